import HTTP
import IntegrationKit

struct DeleteEmails: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Delete Emails",
    "Deletes messages permanently. Trash Emails moves them to the trash instead.",
    effect: .destructive, permissions: [Permission.mail], readBack: "search_emails",
    targetNaming: TargetNaming.messages,
    errorSamples: [ErrorSample(404, "User Email not found.")],
    result: { .array(of: .any) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to delete.")
  }

  var operations: [GmailOperation] { [.deleteMail] }

  func targets(with client: GmailClient) -> [Target] {
    messages.map { Target($0, client.mail(.delete, user, "/messages/", $0, for: .deleteMail)) }
  }
}

struct TrashEmails: GmailBatchCommand {
  static let metadata = CommandMetadata(
    "Trash Emails", "Moves messages to the trash. A message that is already there is not an error.",
    effect: .write, isIdempotent: true, permissions: [Permission.mail],
    readBack: "get_email", targetNaming: TargetNaming.messages,
    errorSamples: [ErrorSample(400, "Invalid Message ID test@example.comvalue.")],
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to move to the trash.")
  }

  var operations: [GmailOperation] { [.changeMail] }

  func targets(with client: GmailClient) -> [Target] {
    messages.map {
      Target($0, client.mail(.post, user, "/messages/", $0, "/trash", for: .changeMail))
    }
  }
}

struct UntrashEmails: GmailBatchCommand {
  static let metadata = CommandMetadata(
    "Untrash Emails",
    """
    Restores messages from the trash. A message that is not in the trash is not an error. Messages \
    from an emptied trash cannot be restored.
    """,
    effect: .write, isIdempotent: true, permissions: [Permission.mail],
    readBack: "get_email", targetNaming: TargetNaming.messages,
    errorSamples: [ErrorSample(400, "Invalid Message ID value.")],
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to restore from the trash.")
  }

  var operations: [GmailOperation] { [.changeMail] }

  func targets(with client: GmailClient) -> [Target] {
    messages.map {
      Target($0, client.mail(.post, user, "/messages/", $0, "/untrash", for: .changeMail))
    }
  }
}
