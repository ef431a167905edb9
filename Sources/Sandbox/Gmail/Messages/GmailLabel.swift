import Basics
import JSON

/// A label of a mailbox. Folders are labels, too.
struct GmailLabel {
  let id: String
  let name: String
  var isSystem = false
  var messageListVisibility: String?
  var labelListVisibility: String?

  static let system: [GmailLabel] = [
    "CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "CATEGORY_FORUMS",
    "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "STARRED",
    "UNREAD",
  ].map { id in
    let isHidden = id.hasPrefix("CATEGORY") || id == "CHAT"
    return GmailLabel(
      id: id, name: id, isSystem: true, messageListVisibility: isHidden ? "hide" : nil,
      labelListVisibility: isHidden ? "labelHide" : nil)
  }

  /// Whether clients cannot add or remove the label.
  var isFixed: Bool { id == "SENT" || id == "DRAFT" || id == "CHAT" }

  /// - Parameter counted: the messages with the label, if counts are requested.
  func write(to writer: inout JSONWriter, counted: [GmailMessage]? = nil) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member(ifPresent: "messageListVisibility", messageListVisibility)
      writer.member(ifPresent: "labelListVisibility", labelListVisibility)
      writer.member("type", isSystem ? "system" : "user")
      guard let counted else { return }
      let unread = counted.filter { $0.labels.contains("UNREAD") }
      writer.member("messagesTotal", counted.count)
      writer.member("messagesUnread", unread.count)
      writer.member("threadsTotal", Set(counted.map(\.threadID)).count)
      writer.member("threadsUnread", Set(unread.map(\.threadID)).count)
    }
  }
}
