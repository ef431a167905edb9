/// A part of a mail to write. Its size is known before it is encoded.
struct Entity {
  /// Complete lines.
  var header: String
  private let body: Body

  private indirect enum Body {
    /// Written unchanged.
    case written([UInt8])
    case base64([UInt8])
    case multipart(boundary: String, [Entity])
  }

  // MARK: Creating

  /// A text part. All line breaks become CRLF.
  init(text: String, subtype: String) {
    let bytes = Self.withCRLF(text)
    let encoding = BodyEncoding(forText: bytes)
    let charset = encoding == .sevenBit ? "us-ascii" : "utf-8"
    header = """
      Content-Type: text/\(subtype); charset=\(charset)\r
      Content-Transfer-Encoding: \(encoding.name)\r

      """
    switch encoding {
    case .sevenBit: body = .written(bytes)
    case .base64: body = .base64(bytes)
    case .quotedPrintable:
      var encoded: [UInt8] = []
      encoded.reserveCapacity(bytes.count + bytes.count / 8)
      bytes.withUnsafeBufferPointer { QuotedPrintable.encode($0, into: &encoded) }
      body = .written(encoded)
    }
  }

  /// A file part. Attached mails must not be encoded (RFC 2046 section 5.2.1). A mail that needs
  /// encoding is sent as an ordinary file, because its bytes matter more than its type.
  init(_ attachment: MailAttachment, number: Int) throws(MailBuildError) {
    let place = "attachment \(number)"
    try HeaderWriter.check(attachment.fileName, place)
    guard attachment.fileName.utf8.count <= FileNameParameter.maximum else {
      throw MailBuildError(place, "has a name longer than \(FileNameParameter.maximum) bytes")
    }
    guard let type = MediaType(attachment.contentType), type.description.utf8.count <= 60 else {
      throw MailBuildError(place, "has an invalid content type; expected type/subtype")
    }
    guard !type.isMultipart else {
      throw MailBuildError(place, "has a content type that is not allowed for files")
    }
    let isMail = type.isMail && Self.isSevenBit(attachment.bytes)
    let written = type.isMail && !isMail ? "application/octet-stream" : type.description
    var lines = "Content-Type: \(written)"
    if !attachment.fileName.isEmpty {
      lines += FileNameParameter.fallback(attachment.fileName)
    }
    lines += "\r\nContent-Transfer-Encoding: \(isMail ? "7bit" : "base64")\r\n"
    lines += "Content-Disposition: \(attachment.contentID == nil ? "attachment" : "inline")"
    if !attachment.fileName.isEmpty {
      lines += FileNameParameter.full(attachment.fileName)
    }
    lines += "\r\n"
    if let id = attachment.contentID {
      guard !id.isEmpty, id.utf8.count <= 250,
        id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != ASCII.less && $0 != ASCII.greater })
      else { throw MailBuildError(place, "has a content id with invalid characters") }
      lines += "Content-ID: <\(id)>\r\n"
    }
    header = lines
    body = isMail ? .written(attachment.bytes) : .base64(attachment.bytes)
  }

  init(
    multipart subtype: String, parameters: String = "", _ parts: [Entity], token: () -> String
  ) {
    let boundary = Boundary.make(absentFrom: parts.flatMap(\.unencoded), token: token)
    header = "Content-Type: multipart/\(subtype)\(parameters);\r\n boundary=\"\(boundary)\"\r\n"
    body = .multipart(boundary: boundary, parts)
  }

  /// All content that is not Base64.
  private var unencoded: [[UInt8]] {
    switch body {
    case .written(let bytes): [Array(header.utf8), bytes]
    case .base64: [Array(header.utf8)]
    case .multipart(_, let parts): [Array(header.utf8)] + parts.flatMap(\.unencoded)
    }
  }

  // MARK: Writing

  var size: Int {
    header.utf8.count + 2
      + {
        switch body {
        case .written(let bytes): bytes.count
        case .base64(let bytes): BodyEncoding.base64Size(bytes.count)
        case .multipart(let boundary, let parts):
          parts.reduce(0) { $0 + boundary.utf8.count + 6 + $1.size } + boundary.utf8.count + 8
        }
      }()
  }

  func write(into output: inout [UInt8]) {
    output += header.utf8
    output += "\r\n".utf8
    switch body {
    case .written(let bytes): output += bytes
    case .base64(let bytes): BodyEncoding.writeBase64(bytes, into: &output)
    case .multipart(let boundary, let parts):
      // The line break before a delimiter belongs to the delimiter. The first one follows the empty
      // line.
      for part in parts {
        output += "\r\n--\(boundary)\r\n".utf8
        part.write(into: &output)
      }
      output += "\r\n--\(boundary)--\r\n".utf8
    }
  }

  // MARK: Text

  private static func withCRLF(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + text.utf8.count / 32)
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte == ASCII.lineFeed, previous == ASCII.carriageReturn {
        previous = byte
        continue
      }
      previous = byte
      if byte == ASCII.lineFeed || byte == ASCII.carriageReturn {
        bytes.append(ASCII.carriageReturn)
        bytes.append(ASCII.lineFeed)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }

  /// ASCII without NUL in lines of at most 998 bytes that end with CRLF.
  private static func isSevenBit(_ bytes: [UInt8]) -> Bool {
    var column = 0
    var previous: UInt8 = 0
    for byte in bytes {
      guard byte != 0, byte < 0x80, (previous == ASCII.carriageReturn) == (byte == ASCII.lineFeed)
      else { return false }
      if byte == ASCII.lineFeed {
        column = 0
      } else if byte != ASCII.carriageReturn {
        column += 1
        guard column <= 998 else { return false }
      }
      previous = byte
    }
    return previous != ASCII.carriageReturn
  }
}
