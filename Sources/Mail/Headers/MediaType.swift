/// The media type of a part (RFC 2045 section 5).
package struct MediaType: Sendable, Equatable, CustomStringConvertible {
  /// For example `text`, in lower case.
  package let type: String
  /// For example `plain`, in lower case.
  package let subtype: String

  static let plainText = MediaType(type: "text", subtype: "plain")
  static let message = MediaType(type: "message", subtype: "rfc822")

  private init(type: String, subtype: String) {
    self.type = type
    self.subtype = subtype
  }

  /// Nil if the text is not `type/subtype`.
  package init?(_ text: String) {
    let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isToken) })
    else { return nil }
    self.init(type: String(parts[0]), subtype: String(parts[1]))
  }

  package var description: String { type + "/" + subtype }

  package var isMultipart: Bool { type == "multipart" }
  package var isText: Bool { type == "text" }
  /// A complete mail (RFC 2046 section 5.2.1, RFC 6532 section 3.7).
  package var isMail: Bool { type == "message" && (subtype == "rfc822" || subtype == "global") }

  /// RFC 2045 section 5.1.
  static func isToken(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains(byte)
  }
}
