import Basics

/// Writes mail as bytes, like real programs and clients, including their mistakes.
struct SeedMail {
  typealias Header = (name: String, value: String)

  private(set) var headers: [Header]
  private(set) var body: [UInt8]

  init(_ headers: [Header], body: [UInt8]) {
    self.headers = headers
    self.body = body
  }

  init(_ headers: [Header], _ text: String) { self.init(headers, body: Array(text.utf8)) }

  /// Lines end with CRLF. Line ends of `body` are unchanged.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for header in headers { bytes += Array("\(header.name): \(header.value)\r\n".utf8) }
    return bytes + Array("\r\n".utf8) + body
  }

  // MARK: Parts

  static func text(_ text: String, _ type: String = "plain") -> SeedMail {
    SeedMail([("Content-Type", "text/\(type); charset=\"UTF-8\"")], text)
  }

  /// - Parameter disposition: such as `attachment`. The name is added to it and to the type.
  static func file(
    _ name: String, _ type: String, _ content: [UInt8], disposition: String = "attachment",
    more: [Header] = []
  ) -> SeedMail {
    SeedMail(
      [
        ("Content-Type", "\(type); name=\"\(name)\""),
        ("Content-Disposition", "\(disposition); filename=\"\(name)\""),
        ("Content-Transfer-Encoding", "base64"),
      ] + more, body: lines(Base64.encode(content)))
  }

  /// - Parameter name: nil for an attached mail without a name.
  static func attached(_ mail: [UInt8], name: String?) -> SeedMail {
    var headers: [Header] = [("Content-Type", "message/rfc822")]
    if let name {
      headers = [
        ("Content-Type", "message/rfc822; name=\"\(name)\""),
        ("Content-Disposition", "attachment; filename=\"\(name)\""),
      ]
    }
    return SeedMail(headers, body: mail)
  }

  static func multipart(
    _ subtype: String, _ boundary: String, _ parts: [SeedMail], headers: [Header] = []
  ) -> SeedMail {
    var body: [UInt8] = []
    for part in parts {
      body += Array("--\(boundary)\r\n".utf8) + part.bytes + Array("\r\n".utf8)
    }
    body += Array("--\(boundary)--\r\n".utf8)
    let type: Header = ("Content-Type", "multipart/\(subtype); boundary=\"\(boundary)\"")
    return SeedMail(headers + [("MIME-Version", "1.0"), type], body: body)
  }

  /// The mail with additional headers first.
  func with(_ more: [Header]) -> SeedMail { SeedMail(more + headers, body: body) }

  /// Lines of 76 characters (RFC 2045 section 6.8).
  private static func lines(_ text: String) -> [UInt8] {
    var lines: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      lines += rest.prefix(76) + Array("\r\n".utf8)
      rest = rest.dropFirst(76)
    }
    return lines
  }
}
