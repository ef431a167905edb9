/// A mail to be sent.
struct OutgoingMail {
  private let headers: [MIMEHeader]
  private let head: [(name: String, lines: ArraySlice<UInt8>)]
  private let body: ArraySlice<UInt8>
  private let added: [String]
  private let from: String?

  init(
    _ raw: [UInt8], sender: DirectoryUser, sendAs: [GmailSendAs], messageID: String, date: String
  ) {
    (headers, body) = MIMEHeader.split(raw[...])
    head = Self.fields(raw[..<body.startIndex])
    let named = MIMEHeader.first("From", in: headers).flatMap(MailAddress.list)?.first
    // Users cannot send with another user's address.
    let isOwn =
      named.map { name in
        sendAs.contains { $0.isUsable && $0.address.lowercased() == name.address }
      } ?? false
    from = isOwn ? nil : "From: \(sender.givenName) \(sender.familyName) <\(sender.email)>"
    var added: [String] = []
    if MIMEHeader.first("Date", in: headers) == nil { added.append("Date: \(date)") }
    if MIMEHeader.first("Message-ID", in: headers) == nil {
      added.append("Message-ID: \(messageID)")
    }
    self.added = added
  }

  func recipients() throws(GoogleAPIError) -> [String] {
    var recipients: [String] = []
    for name in ["To", "Cc", "Bcc"] {
      for header in headers where header.name.lowercased() == name.lowercased() {
        guard let list = MailAddress.list(header.value) else {
          throw .invalidArgument("Invalid \(name) header")
        }
        recipients += list.map(\.address)
      }
    }
    guard !recipients.isEmpty else { throw .invalidArgument("Recipient address required") }
    return recipients
  }

  func bytes(keepingBcc: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in added + (from.map { [$0] } ?? []) { bytes += Array("\(line)\r\n".utf8) }
    for field in head {
      if field.name == "from" && from != nil { continue }
      if field.name == "bcc" && !keepingBcc { continue }
      bytes += field.lines
    }
    if !bytes.suffix(2).elementsEqual("\r\n".utf8) { bytes += "\r\n".utf8 }
    return bytes + "\r\n".utf8 + body
  }

  /// The fields with their folded lines and line ends.
  private static func fields(_ head: ArraySlice<UInt8>) -> [(
    name: String, lines: ArraySlice<UInt8>
  )] {
    var fields: [(name: String, lines: ArraySlice<UInt8>)] = []
    var at = head.startIndex
    while at < head.endIndex {
      let end = head[at...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? head.endIndex
      let line = head[at..<end]
      if line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t"), !fields.isEmpty {
        fields[fields.count - 1].lines = head[fields[fields.count - 1].lines.startIndex..<end]
      } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        fields.append((name, line))
      }
      at = end
    }
    return fields
  }
}
