/// One node of a mail as its bytes have it (RFC 2045, RFC 2046): headers, and a body that is a
/// leaf, parts, or a whole mail.
///
/// Never fails: mail that breaks the rules is mail all the same, and is read as far as it goes.
struct MIMEEntity {
  let headers: [MIMEHeader]
  /// In lower case, such as `text/plain`, also where the mail says nothing.
  let type: String
  let typeParameters: [String: String]
  /// Of a leaf or a `message/rfc822`: without its transfer encoding.
  let content: [UInt8]
  /// Of a `multipart`; of a `message/rfc822` one, the mail in it.
  let parts: [MIMEEntity]

  /// Deeper parts stay leaves: nothing that people send is as deep.
  private static let maximumDepth = 24

  init(_ bytes: ArraySlice<UInt8>, depth: Int = 0, defaultType: String = "text/plain") {
    let (headers, body) = MIMEHeader.split(bytes)
    self.headers = headers
    let (type, parameters) = Self.readType(headers, defaultType)
    self.type = type
    typeParameters = parameters
    let encoding = MIMEHeader.first("Content-Transfer-Encoding", in: headers)?
      .lowercased().filter { !$0.isWhitespace }
    guard depth < Self.maximumDepth else {
      content = TransferEncoding.decode(body, encoding)
      parts = []
      return
    }
    if type.hasPrefix("multipart/"), let boundary = parameters["boundary"], !boundary.isEmpty {
      let child = type == "multipart/digest" ? "message/rfc822" : "text/plain"
      let found = Self.split(body, at: boundary)
      parts = found.map { MIMEEntity($0, depth: depth + 1, defaultType: child) }
      content = parts.isEmpty ? Array(body) : []
    } else if type == "message/rfc822" {
      content = TransferEncoding.decode(body, encoding)
      parts = [MIMEEntity(content[...], depth: depth + 1)]
    } else {
      content = TransferEncoding.decode(body, encoding)
      // The mail service looks into Outlook's wrapping, so that what is in it can be had singly.
      parts = type == "application/ms-tnef" ? TNEF.parts(content) : []
    }
  }

  /// A leaf that no mail has as it is here.
  init(type: String, headers: [MIMEHeader], content: [UInt8]) {
    self.headers = headers
    self.type = type
    typeParameters = [:]
    self.content = content
    parts = []
  }

  func header(_ name: String) -> String? { MIMEHeader.first(name, in: headers) }

  /// Empty where the part has none.
  var fileName: String {
    let disposition = header("Content-Disposition").map(MIMEParameters.init)
    let name = disposition?["filename"] ?? typeParameters["name"] ?? ""
    return EncodedWord.decode(name)
  }

  /// Itself and everything below it, in order; not what is in attached mails when `intoMails` is
  /// false.
  func flattened(intoMails: Bool) -> [MIMEEntity] {
    if type == "message/rfc822" && !intoMails { return [self] }
    return [self] + parts.flatMap { $0.flattened(intoMails: intoMails) }
  }

  private static func readType(
    _ headers: [MIMEHeader], _ defaultType: String
  ) -> (String, [String: String]) {
    guard let text = MIMEHeader.first("Content-Type", in: headers) else {
      return (defaultType, [:])
    }
    let parameters = MIMEParameters(text)
    let type = parameters.value.lowercased()
    let words = type.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count == 2, words.allSatisfy({ !$0.isEmpty }) else {
      return ("text/plain", parameters.all)
    }
    return (type, parameters.all)
  }

  /// The bytes between the lines that start with the boundary; a last line that is missing is the
  /// end of the mail.
  private static func split(
    _ body: ArraySlice<UInt8>, at boundary: String
  ) -> [ArraySlice<UInt8>] {
    let mark = Array("--\(boundary)".utf8)
    var parts: [ArraySlice<UInt8>] = []
    var start: Int?
    var at = body.startIndex
    while at < body.endIndex {
      let end = body[at...].firstIndex(of: UInt8(ascii: "\n")) ?? body.endIndex
      let line = body[at..<end]
      let rest = line.dropFirst(mark.count).filter { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 }
      let isLast = rest.elementsEqual("--".utf8)
      if line.starts(with: mark), rest.isEmpty || isLast {
        if let start { parts.append(withoutLineEnd(body[start..<max(at, start)])) }
        if isLast { return parts }
        start = min(end + 1, body.endIndex)
      }
      at = end + 1
    }
    if let start, start < body.endIndex { parts.append(body[start...]) }
    return parts
  }

  /// The line end before a boundary belongs to it.
  private static func withoutLineEnd(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    return bytes
  }
}
