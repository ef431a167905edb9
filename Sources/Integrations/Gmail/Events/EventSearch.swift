import Basics
import HTTP
import IntegrationKit
import JSON

/// Finds the mail that was received in a span of time, the oldest first.
///
/// Gmail lists ids alone, the newest first, by seconds, and promises none of it. So what is read is
/// sorted by its own times; and where not all of it was read, the list up to the last mail is asked
/// for again, to see that nothing older was passed over.
struct EventSearch {
  struct Mail: Sendable {
    enum Content: Sendable {
      /// As Gmail answered it.
      case message(JSON)
      /// No event, see `MailSelection`.
      case notSelected
      /// Of a message that failed in its last attempt. Its time is that of the mail listed before it.
      case unreadable(threadID: String?, CommandError)
    }

    let id: String
    /// When it was received (`internalDate`), since 1970.
    let milliseconds: Int64
    let content: Content

    var isEvent: Bool { if case .notSelected = content { false } else { true } }

    var isUnreadable: Bool { if case .unreadable = content { true } else { false } }
  }

  struct Failure {
    let id: String
    let error: CommandError

    /// Whether the message was read, and only the result of this call has no room for it.
    var isOfResult: Bool { error.kind == .tooLarge }
  }

  private struct Listed {
    let id: String
    let threadID: String?
  }

  /// Ids of one span at most.
  static let maximumIDs = 200_000
  /// Bytes of mail, as JSON, after which a call brings no more.
  static let maximumBytes = 64 * 1_024 * 1_024
  private static let pageSize: Int64 = 500
  /// Mails that are read at a time.
  private static let readSize = 50
  /// The end of the year 9999, the last time of an argument: of a search without an end.
  private static let noEnd: Int64 = 253_402_300_799_999

  private let client: GmailClient
  private let user: String
  private let condition: String?
  private let selection: MailSelection
  /// Milliseconds since 1970.
  private let times: Range<Int64>
  /// Of events.
  private let limit: Int
  /// Ids that were read, or fetched before.
  private var known: Set<String>
  private var mails: [Mail] = []
  private var eventCount = 0
  private var bytes = 0
  /// Whether there is mail in the span that was not fetched.
  var hasMore = false
  /// Messages that could not be read. The reading ends at the first one: when it was received is not
  /// known, so no later mail may pass it.
  private(set) var failures: [Failure] = []
  private(set) var attempts: ReadAttempts

  init(
    client: GmailClient, user: String, condition: String?, after cursor: EventCursor,
    before end: Int64, limit: Int
  ) {
    self.client = client
    self.user = user
    self.condition = condition
    self.limit = limit
    selection = MailSelection(asking: condition, of: user)
    times = cursor.from..<max(cursor.from, end)
    known = cursor.known
    attempts = cursor.attempts
  }

  /// - Returns: mails with at most `limit` events, none of which is newer than one that is left out;
  ///   with `failures`, those that are listed before the first mail that cannot be read.
  /// - Throws: if the mailbox cannot be read, and there is no mail before that.
  mutating func run(in invocation: Invocation) async throws(CommandError) -> [Mail] {
    guard !times.isEmpty else { return [] }
    // A third of the time is left for what comes after the reading.
    let timeToStop = invocation.remainingMilliseconds / 3
    let (listed, pages) = try await list(before: times.upperBound, in: invocation)
    var unread = ArraySlice(listed.reversed())
    while failures.isEmpty && !unread.isEmpty && eventCount < limit && bytes < Self.maximumBytes {
      if !mails.isEmpty && invocation.remainingMilliseconds < timeToStop { break }
      let chunk = unread.prefix(min(Self.readSize, limit - eventCount))
      unread = unread.dropFirst(chunk.count)
      try await read(Array(chunk), in: invocation)
    }
    hasMore = !failures.isEmpty || !unread.isEmpty
    let count = hasMore ? eventCount : limit
    sort(keeping: count)
    // While pages are read mail comes and goes, which moves the others.
    guard failures.isEmpty, hasMore || pages > 1 else { return mails }
    let end = hasMore ? (mails.last?.milliseconds ?? times.lowerBound) + 1 : times.upperBound
    unread = ArraySlice(try await list(before: end, in: invocation).listed.reversed())
    while failures.isEmpty && !unread.isEmpty {
      try await read(Array(unread.prefix(Self.readSize)), in: invocation)
      unread = unread.dropFirst(Self.readSize)
      sort(keeping: count)
    }
    if !failures.isEmpty { hasMore = true }
    return mails
  }

  /// Keeps the mail up to the event with this number.
  private mutating func sort(keeping count: Int) {
    mails.sort {
      ($0.milliseconds, $0.isUnreadable ? 1 : 0, $0.id)
        < ($1.milliseconds, $1.isUnreadable ? 1 : 0, $1.id)
    }
    guard eventCount > count else { return }
    var left = count
    let end = mails.firstIndex { mail in
      if mail.isEvent { left -= 1 }
      return left < 0
    }
    mails.removeSubrange((end ?? mails.endIndex)...)
    eventCount = count
    hasMore = true
  }

  // MARK: Listing

  var firstRequest: HTTPRequest { request(before: times.upperBound, page: nil) }

  /// Whole seconds around the span, one more on either side: how exactly they are taken is not
  /// documented. A day written as such would be one of California.
  private func request(before end: Int64, page: String?) -> HTTPRequest {
    var query = "after:\(max(0, times.lowerBound / 1_000 - 1))"
    if end < Self.noEnd { query += " before:\((end + 999) / 1_000 + 1)" }
    query += selection.query
    // Behind the others, which hold whatever is wrong with it.
    if let condition, condition.contains(where: { !$0.isWhitespace }) { query += " (\(condition))" }
    return client.mail(.get, user, "/messages") { url in
      url.query("q", query)
      url.query("maxResults", Self.pageSize)
      url.query("pageToken", page)
    }
  }

  /// - Returns: the mail that is not known, as it is listed, and the number of pages.
  private func list(
    before end: Int64, in invocation: Invocation
  ) async throws(CommandError) -> (listed: [Listed], pages: Int) {
    var listed: [Listed] = []
    var ids = known
    var pages = 0
    var page: String?
    repeat {
      let body = try await client.exchange(request(before: end, page: page), in: invocation)
      pages += 1
      for message in body["messages"].map({ Array($0.elements) }) ?? [] {
        guard let id = message["id"]?.string, ids.insert(id).inserted else { continue }
        listed.append(Listed(id: id, threadID: message["threadId"]?.string))
      }
      guard listed.count <= Self.maximumIDs else {
        throw CommandError(
          .validation,
          "More than \(Self.maximumIDs) mails were received between Start Time and End Time.",
          remedy: "Fetch shorter spans of time, or narrow the search condition.")
      }
      let next = body["nextPageToken"]?.string
      page = next == page ? nil : next
    } while page != nil
    return (listed, pages)
  }

  // MARK: Reading

  private mutating func read(
    _ listed: [Listed], in invocation: Invocation
  ) async throws(CommandError) {
    known.formUnion(listed.map(\.id))
    let results = await client.messages(listed.map(\.id), of: user, in: invocation)
    // Several messages that fail are counted together, if others show that the mailbox is readable.
    let isReadable = !mails.isEmpty || results.contains { (try? $0?.get()) != nil }
    for (message, result) in zip(listed, results) {
      switch result ?? .failure(.cancelled(outcome: .notApplied)) {
      case .success(let json) where failures.isEmpty: add(json, of: message)
      case .success: break
      case .failure(let error) where error.statusCode == 404: attempts.remove(message.id)
      case .failure(let error) where failures.isEmpty:
        try stop(at: message, error, isReadable: isReadable, in: invocation)
      case .failure(let error)
      where isReadable && error.concernsOneMessage(ifOthersAreReadable: true):
        if !attempts.isLast(for: message.id) { count(error, of: message) }
      case .failure: break
      }
    }
  }

  private mutating func add(_ json: JSON, of message: Listed) {
    // Without a time it counts as received first, so that it is not missed.
    let time = json["internalDate"]
    let milliseconds = time?.integer ?? time?.string.flatMap { Int64($0) } ?? times.lowerBound
    guard times.contains(milliseconds) else { return }
    let isSelected = selection.contains(json)
    mails.append(
      Mail(
        id: message.id, milliseconds: milliseconds,
        content: isSelected ? .message(json) : .notSelected))
    guard isSelected else { return }
    eventCount += 1
    bytes += json.withSource(\.count)
  }

  /// Makes the message an event in its last attempt, and ends the reading otherwise.
  private mutating func stop(
    at message: Listed, _ error: CommandError, isReadable: Bool, in invocation: Invocation
  ) throws(CommandError) {
    let isOver = Task.isCancelled || invocation.remainingMilliseconds <= 0
    let isCounted = !isOver && error.concernsOneMessage(ifOthersAreReadable: isReadable)
    if isCounted, attempts.isLast(for: message.id) {
      let before = mails.last?.milliseconds ?? times.lowerBound
      let content = Mail.Content.unreadable(threadID: message.threadID, error)
      mails.append(Mail(id: message.id, milliseconds: before, content: content))
      eventCount += 1
    } else if isCounted {
      count(error, of: message)
    } else {
      guard !mails.isEmpty, !isOver else { throw error.reading(message: message.id) }
      failures.append(Failure(id: message.id, error: error))
    }
  }

  private mutating func count(_ error: CommandError, of message: Listed) {
    attempts.addFailure(of: message.id)
    failures.append(Failure(id: message.id, error: error))
  }
}

extension GmailClient {
  /// Calls in flight, if they are sent individually.
  private static let maximumConcurrency = 8

  /// Whole messages in the order of their ids; nil per message that was not read, because the mailbox
  /// could not be read.
  func messages(
    _ ids: [String], of user: String, in invocation: Invocation
  ) async -> [Result<JSON, CommandError>?] {
    let targets = ids.map { id in
      Target(id, mail(.get, user, "/messages/", id) { $0.query("format", "full") })
    }
    var results = [Result<JSON, CommandError>?](repeating: nil, count: targets.count)
    let size = batchSize(for: targets.count, of: invocation.commandID)
    if size > 1 {
      let answers = await sendInBatches(targets, size: size) { batch in
        await self.exchange(batch, in: invocation)
      }
      for (position, answer) in answers.enumerated() {
        guard let settled = answer?.settled else { continue }
        let result = settled.map { $0.body?.json ?? JSONFragment.null.json }
        // A body that is no message is asked for again, alone.
        if case .success(let body) = result, !Self.isMessage(body) { continue }
        results[position] = result
      }
    }
    let left = results.indices.filter { results[$0] == nil }
    let answers = await concurrentMap(
      left, limit: Self.maximumConcurrency, stoppingAfter: Self.endsReading
    ) { position in
      await self.message(targets[position].request, in: invocation)
    }
    for (position, answer) in zip(left, answers) { results[position] = answer }
    return results
  }

  private func message(
    _ request: HTTPRequest, in invocation: Invocation
  ) async -> Result<JSON, CommandError> {
    do throws(CommandError) {
      let body = try await exchange(request, in: invocation)
      guard Self.isMessage(body) else {
        throw CommandError(.upstream, "Gmail's response contains no message.")
      }
      return .success(body)
    } catch {
      return .failure(error)
    }
  }

  private static func isMessage(_ body: JSON) -> Bool { body["id"]?.string != nil }

  /// A failure that concerns one message does not end the reading, any other does.
  private static func endsReading(_ result: Result<JSON, CommandError>) -> Bool {
    guard case .failure(let error) = result else { return false }
    return error.statusCode != 404 && !error.concernsOneMessage(ifOthersAreReadable: false)
  }
}
