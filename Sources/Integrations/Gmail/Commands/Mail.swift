import Basics
import HTTP
import IntegrationKit

struct SearchEmails: GmailCommand {
  static let metadata = CommandMetadata(
    "Search Emails",
    """
    Searches a mailbox and returns message IDs, newest first. Get Email returns the messages. A \
    notice says if there are more messages than limit; all_pages reads all of them. With OAuth, \
    only in the mailbox of the user who consented.
    """,
    permissions: [Permission.mail], items: ItemsPath("messages", isLeftOutIfEmpty: true),
    result: { GmailResults.messageList })

  let user: String
  let filter: String?
  let limit: Int64
  let labels: [String]
  let includesSpamAndTrash: Bool

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox(
      "The mailbox to search. With OAuth, the mailbox of the user who consented.")
    filter = parameters.optional(
      "Filter", .text(maximumCharacters: 10_000),
      "A query in the syntax of Gmail's search box: from:, to:, subject:, after:, has:attachment.",
      examples: ["from:fiona@harbor.example is:unread"])
    limit = parameters.optional(
      "Limit", .integer(from: 1, to: 500),
      "The maximum number of messages. With all_pages, the number of messages per page.",
      default: 100)
    labels =
      parameters.labels(
        "Label IDs", "List only messages that have all of these labels.", example: "INBOX") ?? []
    includesSpamAndTrash = parameters.optional(
      "Include Spam Trash", .boolean, "Include spam and trash.", default: false)
  }

  static var hasPages: Bool { true }

  func plan(with client: GmailClient) -> [HTTPRequest] {
    client.previews(request(with: client, token: nil))
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    guard !invocation.options.allPages else {
      return try await client.pages(in: invocation) { _, token in
        request(with: client, token: token)
      }
    }
    let body = try await client.exchange(request(with: client, token: nil), in: invocation)
    var result = await invocation.finish(body, items: Self.metadata.items)
    if GmailClient.nextPage(in: body) != nil {
      result.notices.append(
        """
        There are more messages than the limit of \(limit). Use options.all_pages to read all of \
        them.
        """)
    }
    return result
  }

  private func request(with client: GmailClient, token: String?) -> HTTPRequest {
    client.mail(.get, user, "/messages") { url in
      url.query("q", filter)
      url.query("maxResults", limit)
      url.query("pageToken", token)
      for label in labels { url.query("labelIds", label) }
      if includesSpamAndTrash { url.query("includeSpamTrash", true) }
    }
  }
}

/// Not batched: a second deletion of a message returns "not found", so a call that a batch left
/// unresolved could not be retried.
struct DeleteEmails: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Delete Emails",
    "Deletes messages permanently. Trash Emails moves them to the trash instead.",
    effect: .destructive, permissions: [Permission.mail], readBack: "search_emails",
    targetNaming: TargetNaming.messages, result: { .array(of: .any) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to delete.")
  }

  func targets(with client: GmailClient) -> [Target] {
    messages.map { Target($0, client.mail(.delete, user, "/messages/", $0)) }
  }
}

struct TrashEmails: GmailBatchCommand {
  static let metadata = CommandMetadata(
    "Trash Emails", "Moves messages to the trash. A message that is already there is not an error.",
    effect: .write, isIdempotent: true, permissions: [Permission.mail],
    readBack: "get_email", targetNaming: TargetNaming.messages,
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to move to the trash.")
  }

  func targets(with client: GmailClient) -> [Target] {
    messages.map { Target($0, client.mail(.post, user, "/messages/", $0, "/trash")) }
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
    result: { .array(of: GmailResults.changedMessage) })

  let user: String
  let messages: [String]

  init(_ parameters: inout ParamReader) {
    user = parameters.mailboxOfMessages()
    messages = parameters.messages("The messages to restore from the trash.")
  }

  func targets(with client: GmailClient) -> [Target] {
    messages.map { Target($0, client.mail(.post, user, "/messages/", $0, "/untrash")) }
  }
}
