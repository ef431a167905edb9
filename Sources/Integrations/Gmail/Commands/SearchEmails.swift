import HTTP
import IntegrationKit
import JSON
import Synchronization

/// Searches one mailbox, or several of them as targets.
struct SearchEmails: GmailCommand, TargetCommand {
  static let metadata = CommandMetadata(
    "Search Emails",
    """
    Searches a mailbox, or each one of a list, and returns message IDs, newest first. Get Email \
    returns the messages. A notice says if there are more messages than limit; all_pages reads all \
    of them. With OAuth, only in the mailbox of the user who consented.
    """,
    permissions: [Permission.mail], items: ItemsPath("messages", isLeftOutIfEmpty: true),
    errorSamples: [ErrorSample(403, "Invalid label value.")],
    result: { .oneOrMore(of: GmailResults.messageList) })

  private static let maximumMailboxes = 1_000

  let mailboxes: OneOrMoreMailboxes
  let filter: String?
  let limit: Int64
  let labels: [String]
  let includesSpamAndTrash: Bool

  init(_ parameters: inout ParamReader) {
    mailboxes = parameters.required(
      "User Email", OneOrMoreMailboxesType(maximumCount: Self.maximumMailboxes),
      """
      The mailbox to search. A list searches each of them: raw_data is then an array with a result \
      for each mailbox, and targets has the outcomes. With OAuth, the mailbox of the user who \
      consented.
      """,
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: [.one("soc@harbor.example")])
    filter = parameters.optional(
      "Filter", .text(maximumCharacters: 10_000),
      "A query in the syntax of Gmail's search box: from:, to:, subject:, after:, has:attachment.",
      examples: ["from:fiona@harbor.example is:unread"])
    limit = parameters.optional(
      "Limit", .integer(from: 1, to: 500),
      """
      The maximum number of messages of each mailbox. With all_pages, the number of messages per page.
      """,
      default: 100)
    labels =
      parameters.labels(
        "Label IDs", "List only messages that have all of these labels.", example: "INBOX") ?? []
    includesSpamAndTrash = parameters.optional(
      "Include Spam Trash", .boolean, "Include spam and trash.", default: false)
  }

  static var hasPages: Bool { true }

  private var operation: GmailOperation { filter == nil ? .readHeaders : .readMail }
  var operations: [GmailOperation] { [operation] }

  func targets(with client: GmailClient) -> [Target] {
    mailboxes.addresses.map { Target($0, request(of: $0, with: client, token: nil)) }
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    switch mailboxes {
    case .one(let user): try await search(user, with: client, in: invocation)
    case .several(let users): try await search(users, with: client, in: invocation)
    }
  }

  // MARK: One mailbox

  private func search(
    _ user: String, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    guard !invocation.options.allPages else {
      return try await client.pages(in: invocation) { _, token in
        request(of: user, with: client, token: token)
      }
    }
    let body = try await client.exchange(
      request(of: user, with: client, token: nil), in: invocation)
    var result = await invocation.finish(body, items: Self.metadata.items)
    if GmailClient.nextPage(in: body) != nil { result.notices.append(moreNotice) }
    return result
  }

  private var moreNotice: String {
    "There are more messages than the limit of \(limit). Use options.all_pages to read all of them."
  }

  // MARK: Several mailboxes

  private func search(
    _ users: [String], with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let targets = targets(with: client)
    try await invocation.expectRoom(forRequests: targets.count)
    let notices = NoticesOfMailboxes()
    var result = try await run(targets, in: invocation) {
      (target, own) async throws(CommandError) in
      let (answer, found) = try await pages(of: target, with: client, in: own)
      notices.add(found, of: target.names[0])
      return answer
    }
    result.notices += notices.texts(inOrderOf: users)
    return result
  }

  private func pages(
    of target: Target, with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> (TargetAnswer, notices: [String]) {
    var pages = PageCollector(invocation, items: Self.metadata.items, isOfTarget: true)
    defer { pages.release() }
    if invocation.options.allPages {
      try await client.collect(into: &pages, in: invocation) { _, token in
        request(of: target.names[0], with: client, token: token)
      }
    } else {
      let body = try await client.exchange(target.request, in: invocation)
      try await pages.add(body, of: nil)
      if GmailClient.nextPage(in: body) != nil { pages.notices.append(moreNotice) }
    }
    return pages.answer()
  }

  private func request(
    of user: String, with client: GmailClient, token: String?
  ) -> HTTPRequest {
    client.mail(.get, user, "/messages", for: operation) { url in
      url.query("q", filter)
      url.query("maxResults", limit)
      url.query("pageToken", token)
      for label in labels { url.query("labelIds", label) }
      if includesSpamAndTrash { url.query("includeSpamTrash", true) }
    }
  }
}

/// Notices about the results of several mailboxes, each text once.
private final class NoticesOfMailboxes: Sendable {
  private let mailboxes = Mutex<[String: [String]]>([:])

  func add(_ notices: [String], of mailbox: String) {
    mailboxes.withLock { for notice in notices { $0[notice, default: []].append(mailbox) } }
  }

  func texts(inOrderOf order: [String]) -> [String] {
    mailboxes.withLock { notices in
      notices.keys.sorted().map { notice in
        let names = order.filter { notices[notice]?.contains($0) == true }
        return "\(notice) Mailboxes: \(names.joined(separator: ", "))."
      }
    }
  }
}

/// One mailbox, or a list of them, which makes each a target.
enum OneOrMoreMailboxes: Sendable {
  case one(String)
  /// Without duplicates.
  case several([String])

  var addresses: [String] {
    switch self {
    case .one(let address): [address]
    case .several(let addresses): addresses
    }
  }
}

/// A list of one is a list.
struct OneOrMoreMailboxesType: ParameterType {
  private let type: OneOrMoreType<TextType>
  var placeholder: OneOrMoreMailboxes { .one("") }
  var isList: Bool { true }

  init(maximumCount: Int) {
    type = .oneOrMore(.text(maximumCharacters: 320), count: 1...maximumCount)
  }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> OneOrMoreMailboxes? {
    let addresses = type.decode(json, members: members, faults: &faults)?.withoutDuplicates()
    return addresses.map { json.kind == .array ? .several($0) : .one($0[0]) }
  }

  func writeSchema(to writer: inout JSONWriter) { type.writeSchema(to: &writer) }

  func write(_ value: OneOrMoreMailboxes, to writer: inout JSONWriter) {
    switch value {
    case .one(let address): writer.string(address)
    case .several(let addresses): writer.array { for text in addresses { $0.string(text) } }
    }
  }
}
