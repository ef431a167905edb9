import Basics
import HTTP
import IntegrationKit

struct FetchEvent: GmailCommand {
  static let metadata = CommandMetadata(
    "Fetch Event",
    """
    Fetches mail received in a time range as events, oldest first. Omits drafts, mail that the \
    mailbox itself sent, spam and trash, unless the search condition names them (in:drafts, in:sent, \
    in:spam, in:trash). A message that cannot be read in three calls becomes an event with an error. \
    With OAuth, only from the mailbox of the user who consented.
    """,
    permissions: [Permission.mail],
    errorSamples: [ErrorSample(403, "Delegation denied for your email address.")],
    events: { GmailEventFields.source },
    result: { .array(of: GmailResults.fetchedMessage) })

  /// Per call.
  static let maximumMails: Int64 = 10_000

  let user: String
  let start: Timestamp
  let end: Timestamp
  let limit: Int64?
  let condition: String?
  let cursor: EventCursor?
  let storesAttachments: Bool

  init(_ parameters: inout ParamReader) {
    user = parameters.mailbox("The mailbox to fetch mail from.")
    start = parameters.required(
      "Start Time", .timestamp,
      "Fetch mail received at or after this time. Ignored if a cursor is given.",
      examples: [Timestamp(millisecondsSince1970: 1_621_900_800_000)])
    end = parameters.required(
      "End Time", .timestamp, "Fetch mail received before this time.",
      examples: [Timestamp(millisecondsSince1970: 1_621_987_200_000)])
    limit = parameters.optional(
      "Number of Event(s) Fetched", .integer(from: 1, to: Self.maximumMails),
      "The maximum number of mails. Default: the maximum of one call. The cursor continues.",
      examples: [100])
    condition = parameters.optional(
      "Search Condition", .text(maximumCharacters: 10_000),
      "A query in the syntax of Gmail's search box: from:, to:, subject:, has:attachment.",
      examples: ["subject:test from:test@example.com"])
    cursor = parameters.optional(
      "Cursor", .eventCursor,
      """
      The cursor of an earlier response for the same mailbox and search condition. Fetches only \
      mail that was not fetched before.
      """,
      from: [ParameterSource("fetch_event", "$.cursor")])
    storesAttachments = parameters.optional(
      "Download Attachments", .boolean,
      """
      Store the attachments of the messages as files of their events, attached mails included. The \
      attachments of attached mails are always stored.
      """,
      default: false)
    parameters.ordered(
      "Start Time", notAfter: "End Time", message: "Start Time must not be after End Time.")
    if let cursor, !cursor.belongs(to: user) {
      parameters.refuse("Cursor", ParameterProblem("belongs to another mailbox"))
    }
    if let cursor, !cursor.belongs(to: ConditionDigest(condition)) {
      parameters.refuse(
        "Cursor",
        ParameterProblem(
          "belongs to another search condition; repeat that condition or omit the cursor"))
    }
  }

  private func search(with client: GmailClient, _ cursor: EventCursor) -> EventSearch {
    EventSearch(
      client: client, user: user, condition: condition, after: cursor,
      before: end.millisecondsSince1970, limit: Int(limit ?? Self.maximumMails))
  }

  private var position: EventCursor {
    cursor
      ?? EventCursor(of: user, ConditionDigest(condition), from: start.millisecondsSince1970)
  }

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    add(search(with: client, position).firstRequest)
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    var position = position
    // Half of the time that the search leaves.
    let reserve = invocation.remainingMilliseconds / 6
    var search = search(with: client, position)
    let mails = try await search.run(in: invocation)
    var page = EventPage(
      of: user, storesAttachments: storesAttachments, reserveMilliseconds: reserve,
      search.attempts, client, invocation)
    var count = 0
    for mail in mails {
      guard count == 0 || !page.isFull, try await page.add(mail, isFirst: count == 0) else { break }
      count += 1
    }
    if count < mails.count { search.hasMore = true }
    let cursors = MailCursors(
      from: position, past: mails.prefix(count), keepsTime: !search.failures.isEmpty,
      page.attempts)
    position.advance(
      past: mails.prefix(count).filter { !$0.isUnreadable }.map { ($0.id, $0.milliseconds) },
      hasMore: search.hasMore, keepsTime: !search.failures.isEmpty, now: WallClock.nowMilliseconds)
    position.attempts = page.attempts
    page.report(search.failures)
    if search.hasMore {
      page.events.notices.append("More mail is available: call again with this cursor.")
    }
    var result = page.events.result(cursor: position.text, between: cursors)
    // Mail that cannot be read is not more readable at once.
    result.hasMoreEvents =
      search.hasMore && search.failures.isEmpty && (page.failure?.isOfResult ?? true)
    return result
  }
}
