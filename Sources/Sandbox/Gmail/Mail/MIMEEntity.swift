/// One node of a parsed mail (RFC 2045, RFC 2046): headers and a body, which is a leaf, a list of
/// parts or a whole mail.
///
/// Parsing never fails: malformed mail is read as far as possible.
struct MIMEEntity {
  let headers: [MIMEHeader]
  /// In lower case, such as `text/plain`. Has a default if the mail names no type.
  let type: String
  let typeParameters: [String: String]
  /// For a leaf or a `message/rfc822`: the content without transfer encoding.
  let content: [UInt8]
  /// For a `multipart`: its parts; for a `message/rfc822`: the embedded mail.
  let parts: [MIMEEntity]

  /// Deeper parts are not parsed. Real mail is never this deep.
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
      // Gmail unwraps Outlook's container, so that its files can be fetched individually.
      parts = type == "application/ms-tnef" ? TNEF.parts(content) : []
    }
  }

  /// A leaf that is created here, not parsed from a mail.
  init(type: String, headers: [MIMEHeader], content: [UInt8]) {
    self.headers = headers
    self.type = type
    typeParameters = [:]
    self.content = content
    parts = []
  }

  func header(_ name: String) -> String? { MIMEHeader.first(name, in: headers) }

  var isAttachment: Bool {
    header("Content-Disposition").map(MIMEParameters.init)?.value.lowercased() == "attachment"
  }

  /// Empty if the part has no file name.
  var fileName: String {
    let disposition = header("Content-Disposition").map(MIMEParameters.init)
    let name = disposition?["filename"] ?? typeParameters["name"] ?? ""
    return EncodedWord.decode(name)
  }

  /// The node and all its descendants in order. Excludes the content of attached mails if
  /// `intoMails` is false.
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

  /// The bytes between the delimiter lines. Without a closing delimiter, the last part ends with
  /// the mail.
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

  /// The line end before a delimiter belongs to the delimiter.
  private static func withoutLineEnd(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    return bytes
  }
}
