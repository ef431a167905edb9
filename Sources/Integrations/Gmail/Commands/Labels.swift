import Basics
import HTTP
import IntegrationKit
import JSON

struct ListLabels: GmailCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Labels", "Lists the system labels and user labels of a mailbox.",
    permissions: [Permission.mail], items: ItemsPath("labels", isLeftOutIfEmpty: true),
    errorSamples: [ErrorSample(403, "Invalid email input.")],
    result: { GmailResults.labels })

  let user: String

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox(
      "The mailbox whose labels are listed. With OAuth, the mailbox of the user who consented.")
  }

  var operations: [GmailOperation] { [.readLabels] }

  func request(with client: GmailClient) -> HTTPRequest {
    client.mail(.get, user, "/labels", for: .readLabels)
  }
}

struct LabelEmails: GmailBatchCommand {
  static let metadata = CommandMetadata(
    "Label Emails", "Adds labels to messages and removes labels from them.", effect: .write,
    isIdempotent: true, permissions: [Permission.mail], readBack: "get_email",
    targetNaming: TargetNaming.messages,
    errorSamples: [ErrorSample(403, "Invalid id value.")],
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]
  let added: [String]
  let removed: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to label.")
    added = parameters.labels("Add Labels", "The IDs of labels to add.", example: "IMPORTANT") ?? []
    removed =
      parameters.labels("Remove Labels", "The IDs of labels to remove.", example: "STARRED") ?? []
    parameters.atLeastOne(of: "Add Labels", "Remove Labels")
  }

  var operations: [GmailOperation] { [.changeMail] }

  func targets(with client: GmailClient) -> [Target] {
    client.modifying(messages, of: user, adding: added, removing: removed)
  }
}

/// The API has no method for this: spam is a label.
struct ReportSpam: GmailBatchCommand {
  static let metadata = CommandMetadata(
    "Report Spam", "Marks messages as spam and removes them from the inbox.", effect: .write,
    isIdempotent: true, permissions: [Permission.mail], readBack: "get_email",
    targetNaming: TargetNaming.messages,
    errorSamples: [ErrorSample(403, "Invalid Message IDs value.")],
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to mark as spam.")
  }

  var operations: [GmailOperation] { [.changeMail] }

  func targets(with client: GmailClient) -> [Target] {
    client.modifying(messages, of: user, adding: ["SPAM"], removing: ["INBOX"])
  }
}

extension GmailClient {
  /// One call per message, because only these calls report per message whether it exists.
  fileprivate func modifying(
    _ messages: [String], of user: String, adding added: [String], removing removed: [String]
  ) -> [Target] {
    let body = JSONFragment { writer in
      writer.object {
        if !added.isEmpty { $0.member("addLabelIds", added) }
        if !removed.isEmpty { $0.member("removeLabelIds", removed) }
      }
    }
    return messages.map { message in
      Target(
        message,
        mail(.post, user, "/messages/", message, "/modify", for: .changeMail, body: body))
    }
  }
}
