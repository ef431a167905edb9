import Basics
import JSON

/// One message in one mailbox.
struct GmailMessage {
  let id: String
  let threadID: String
  /// Since 1970. The time of receipt, which may differ from the Date header.
  let receivedMilliseconds: Int
  let raw: [UInt8]
  let mail: MIMEEntity
  let text: String
  var labels: [String]
  var historyID: Int

  init(
    id: String, threadID: String, receivedMilliseconds: Int, raw: [UInt8], labels: [String],
    historyID: Int
  ) {
    self.id = id
    self.threadID = threadID
    self.receivedMilliseconds = receivedMilliseconds
    self.raw = raw
    self.labels = labels
    self.historyID = historyID
    mail = MIMEEntity(raw[...])
    text = MailText.of(mail)
  }

  /// Sixteen hexadecimal digits that increase with time, like Gmail's ids.
  static func id(milliseconds: Int, number: Int) -> String {
    let id = UInt64(milliseconds) << 20 | UInt64(number * 7_919 & 0xF_FFFF)
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: max(16 - digits.count, 0)) + digits
  }

  static func isID(_ text: String) -> Bool {
    text.utf8.count == 16 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
  }

  /// Newest first; within one millisecond, the later message first.
  static func isBefore(_ one: GmailMessage, _ other: GmailMessage) -> Bool {
    one.receivedMilliseconds == other.receivedMilliseconds
      ? one.id > other.id : one.receivedMilliseconds > other.receivedMilliseconds
  }

  /// The response of sending and of label changes.
  var slimJSON: JSONFragment {
    JSONFragment { writer in writer.object { writeHead(to: &$0) } }
  }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("threadId", threadID)
    guard !labels.isEmpty else { return }
    writer.name("labelIds")
    writer.array { writer in for label in labels { writer.string(label) } }
  }
}
