import Basics
import HTTPServer

/// Sending, and what comes in by it.
extension GmailCall {
  static let maximumMailBytes = 36_700_160

  func send(_ domain: inout GoogleDomain) throws(GoogleRefusal) -> HTTPServer.Response {
    if route.isUpload {
      switch try upload(&domain) {
      case .answer(let response): return response
      case .mail(let raw, let threadID):
        return .googleJSON(200, try deliver(raw, threadID: threadID, &domain))
      }
    }
    guard request.method == "POST" else { throw .noSuchPage }
    let body = try body(only: Self.messageMembers)
    guard let text = body["raw"]?.string, !text.isEmpty else { throw Self.noMail }
    let isBase64 = text.utf8.allSatisfy { byte in
      byte != UInt8(ascii: "+") && byte != UInt8(ascii: "/") && byte > 0x20
    }
    guard isBase64 else {
      throw .invalidArgument(
        "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed")
    }
    let raw = TransferEncoding.base64(text.utf8)
    return .googleJSON(200, try deliver(raw, threadID: body["threadId"]?.string, &domain))
  }

  static let messageMembers = [
    "id", "threadId", "labelIds", "snippet", "historyId", "internalDate", "payload",
    "sizeEstimate", "raw", "classificationLabelValues",
  ]
  static let noMail = GoogleRefusal.invalidArgument(
    "'raw' RFC822 payload message string or uploading message via /upload/* URL required")

  private func deliver(
    _ raw: [UInt8], threadID: String?, _ domain: inout GoogleDomain
  ) throws(GoogleRefusal) -> JSONFragment {
    guard !raw.isEmpty else { throw Self.noMail }
    guard raw.count <= Self.maximumMailBytes else {
      throw .error(
        413, "Media larger than: \(Self.maximumMailBytes)", reason: "uploadTooLarge")
    }
    let number = domain.nextNumber()
    let outgoing = OutgoingMail(
      raw, sender: caller, messageID: "<sandbox-\(clock.nowMilliseconds)-\(number)@mail.gmail.com>",
      date: MailDate.text(now))
    let recipients = try outgoing.recipients()
    let conversation = try thread(threadID, try mailbox(&domain))
    let milliseconds = clock.nowMilliseconds
    let isOwn = recipients.contains { caller.addresses.contains($0) }
    let sent = domain.change(caller) { mailbox in
      mailbox.add(
        outgoing.bytes(keepingBcc: true),
        labels: isOwn ? ["UNREAD", "SENT", "INBOX"] : ["SENT"],
        atMilliseconds: milliseconds, number: number, threadID: conversation)
    }
    var reached: Set<String> = [caller.id]
    for address in recipients {
      guard let user = domain.user(address), !user.isSuspended,
        reached.insert(user.id).inserted
      else { continue }
      let copy = domain.nextNumber()
      domain.change(user) { mailbox in
        _ = mailbox.add(
          outgoing.bytes(keepingBcc: false), labels: ["UNREAD", "INBOX"],
          atMilliseconds: milliseconds, number: copy)
      }
    }
    return sent.slimJSON
  }

  private func thread(
    _ id: String?, _ mailbox: GmailMailbox
  ) throws(GoogleRefusal) -> String? {
    guard let id, !id.isEmpty else { return nil }
    guard GmailMessage.isID(id) else { throw .invalidArgument("Invalid thread_id value") }
    guard mailbox.messages.contains(where: { $0.threadID == id }) else { throw .notFound }
    return id
  }
}

/// A mail on its way out.
struct OutgoingMail {
  private let headers: [MIMEHeader]
  private let head: [(name: String, lines: ArraySlice<UInt8>)]
  private let body: ArraySlice<UInt8>
  private let added: [String]
  private let from: String?

  init(_ raw: [UInt8], sender: DirectoryUser, messageID: String, date: String) {
    (headers, body) = MIMEHeader.split(raw[...])
    head = Self.fields(raw[..<body.startIndex])
    let named = MIMEHeader.first("From", in: headers).flatMap(MailAddress.list)?.first
    // Nobody sends in the name of another.
    let isOwn = named.map { sender.addresses.contains($0.address) } ?? false
    from = isOwn ? nil : "From: \(sender.givenName) \(sender.familyName) <\(sender.email)>"
    var added: [String] = []
    if MIMEHeader.first("Date", in: headers) == nil { added.append("Date: \(date)") }
    if MIMEHeader.first("Message-ID", in: headers) == nil {
      added.append("Message-ID: \(messageID)")
    }
    self.added = added
  }

  func recipients() throws(GoogleRefusal) -> [String] {
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

  /// Each field with its folded lines and line ends.
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
