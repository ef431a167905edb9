import Basics
import HTTPServer
import JSON

/// Sends mail and delivers it to local recipients.
extension GmailCall {
  static let maximumMailBytes = 36_700_160

  func send(_ domain: inout GoogleDomain) throws(GoogleAPIError) -> HTTPServer.Response {
    if route.isUpload {
      switch try upload(&domain) {
      case .response(let response): return response
      case .mail(let raw, let threadID):
        return .googleJSON(200, try deliver(raw, threadID: threadID, &domain))
      }
    }
    guard request.method == "POST" else { throw .noSuchPage }
    let body = try body(only: Self.messageMembers)
    guard let text = body["raw"] else { throw Self.noMail }
    let raw = try Self.mail(text)
    return .googleJSON(200, try deliver(raw, threadID: body["threadId"]?.string, &domain))
  }

  /// The mail of a member `raw`.
  static func mail(_ json: JSON) throws(GoogleAPIError) -> [UInt8] {
    guard let text = json.string, !text.isEmpty else { throw noMail }
    let isBase64 = text.utf8.allSatisfy { byte in
      byte != UInt8(ascii: "+") && byte != UInt8(ascii: "/") && byte > 0x20
    }
    guard isBase64 else {
      throw .invalidArgument(
        "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed")
    }
    return TransferEncoding.base64(text.utf8)
  }

  static let messageMembers = [
    "id", "threadId", "labelIds", "snippet", "historyId", "internalDate", "payload",
    "sizeEstimate", "raw", "classificationLabelValues",
  ]
  static let noMail = GoogleAPIError.invalidArgument(
    "'raw' RFC822 payload message string or uploading message via /upload/* URL required")

  func deliver(
    _ raw: [UInt8], threadID: String?, _ domain: inout GoogleDomain
  ) throws(GoogleAPIError) -> JSONFragment {
    guard !raw.isEmpty else { throw Self.noMail }
    guard raw.count <= Self.maximumMailBytes else {
      throw .error(
        413, "Media larger than: \(Self.maximumMailBytes)", reason: "uploadTooLarge")
    }
    let number = domain.nextNumber()
    let outgoing = OutgoingMail(
      raw, sender: caller, sendAs: try sendAs(&domain),
      messageID: "<sandbox-\(clock.nowMilliseconds)-\(number)@mail.gmail.com>",
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

  func thread(
    _ id: String?, _ mailbox: GmailMailbox
  ) throws(GoogleAPIError) -> String? {
    guard let id, !id.isEmpty else { return nil }
    guard GmailMessage.isID(id) else { throw .invalidArgument("Invalid thread_id value") }
    guard mailbox.messages.contains(where: { $0.threadID == id }) else { throw .notFound }
    return id
  }
}
