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
    let id: String
    /// When it was received (`internalDate`), since 1970.
    let milliseconds: Int64
    /// As Gmail answered it.
    let message: JSON
  }

  /// Ids of one span at most.
  static let maximumIDs = 200_000
  /// Bytes of mail, as JSON, after which a call brings no more.
  static let maximumBytes = 64 * 1_024 * 1_024
  private static let pageSize: Int64 = 500
  /// Mails that are read at a time.
  private static let readSize = 50

  private let client: GmailClient
  private let user: String
  private let condition: String?
  /// Milliseconds since 1970.
  private let times: Range<Int64>
  private let limit: Int
  /// Ids that were read, or fetched before.
  private var known: Set<String>
  private var mails: [Mail] = []
  private var bytes = 0
  /// Whether there is mail in the span that was not fetched.
  var hasMore = false
  /// What ended the reading early. When that mail was received is not known.
  private(set) var failure: Failure?

  struct Failure {
    let id: String
    let error: CommandError
  }

  init(
    client: GmailClient, user: String, condition: String?, times: Range<Int64>,
    except known: Set<String>, limit: Int
  ) {
    self.client = client
    self.user = user
    self.condition = condition
    self.times = times
    self.known = known
    self.limit = limit
  }

  /// - Returns: at most `limit` mails, none of which is newer than one that is left out; with a
  ///   `failure`, those that are listed before the mail that cannot be read.
  /// - Throws: when there is none before it.
  mutating func run(in invocation: Invocation) async throws(CommandError) -> [Mail] {
    guard !times.isEmpty else { return [] }
    // A third of the time is left for what comes after the reading.
    let timeToStop = invocation.remainingMilliseconds / 3
    let (listed, pages) = try await list(before: times.upperBound, in: invocation)
    var unread = ArraySlice(listed.reversed())
    while failure == nil && !unread.isEmpty && mails.count < limit && bytes < Self.maximumBytes {
      if !mails.isEmpty && invocation.remainingMilliseconds < timeToStop { break }
      let chunk = unread.prefix(min(Self.readSize, limit - mails.count))
      unread = unread.dropFirst(chunk.count)
      try await read(Array(chunk), in: invocation)
    }
    hasMore = failure != nil || !unread.isEmpty
    let count = hasMore ? mails.count : limit
    sort(keeping: count)
    // While pages are read mail comes and goes, which moves the others.
    guard failure == nil, hasMore || pages > 1 else { return mails }
    let end = hasMore ? (mails.last?.milliseconds ?? times.lowerBound) + 1 : times.upperBound
    unread = ArraySlice(try await list(before: end, in: invocation).ids.reversed())
    while failure == nil && !unread.isEmpty {
      try await read(Array(unread.prefix(Self.readSize)), in: invocation)
      unread = unread.dropFirst(Self.readSize)
      sort(keeping: count)
    }
    if failure != nil { hasMore = true }
    return mails
  }

  private mutating func sort(keeping count: Int) {
    mails.sort { ($0.milliseconds, $0.id) < ($1.milliseconds, $1.id) }
    guard mails.count > count else { return }
    mails.removeSubrange(count...)
    hasMore = true
  }

  // MARK: Listing

  var firstRequest: HTTPRequest { request(before: times.upperBound, page: nil) }

  /// Whole seconds around the span, one more on either side: how exactly they are taken is not
  /// documented. A day written as such would be one of California.
  private func request(before end: Int64, page: String?) -> HTTPRequest {
    var query = "after:\(max(0, times.lowerBound / 1_000 - 1)) before:\((end + 999) / 1_000 + 1)"
    // Behind the times, which hold whatever is wrong with it.
    if let condition, condition.contains(where: { !$0.isWhitespace }) { query += " (\(condition))" }
    return client.mail(.get, user, "/messages") { url in
      url.query("q", query)
      url.query("maxResults", Self.pageSize)
      url.query("pageToken", page)
    }
  }

  /// - Returns: the ids that are not known, as they are listed, and the number of pages.
  private func list(
    before end: Int64, in invocation: Invocation
  ) async throws(CommandError) -> (ids: [String], pages: Int) {
    var ids: [String] = []
    var listed: Set<String> = []
    var pages = 0
    var page: String?
    repeat {
      let body = try await client.exchange(request(before: end, page: page), in: invocation)
      pages += 1
      for id in body["messages"].map({ $0.elements.map { $0["id"]?.string } }) ?? [] {
        if let id, !known.contains(id), listed.insert(id).inserted { ids.append(id) }
      }
      guard ids.count <= Self.maximumIDs else {
        throw CommandError(
          .validation,
          "More than \(Self.maximumIDs) mails were received between Start Time and End Time.",
          remedy: "Fetch shorter spans of time, or narrow the search condition.")
      }
      let next = body["nextPageToken"]?.string
      page = next == page ? nil : next
    } while page != nil
    return (ids, pages)
  }

  // MARK: Reading

  private mutating func read(_ ids: [String], in invocation: Invocation) async throws(CommandError)
  {
    known.formUnion(ids)
    let read = await client.messages(ids, of: user, in: invocation)
    for message in read.messages {
      guard let message, let id = message["id"]?.string else { continue }
      // Without a time it counts as received first, so that it is not missed.
      let time = message["internalDate"]
      let milliseconds = time?.integer ?? time?.string.flatMap { Int64($0) } ?? times.lowerBound
      guard times.contains(milliseconds) else { continue }
      mails.append(Mail(id: id, milliseconds: milliseconds, message: message))
      bytes += message.withSource(\.count)
    }
    guard let error = read.error else { return }
    let isOver = Task.isCancelled || invocation.remainingMilliseconds <= 0
    guard !mails.isEmpty, !isOver else { throw error }
    failure = Failure(id: ids[read.messages.count], error: error)
  }
}

/// Messages that were read, up to the first one that could not be.
struct MessagesRead {
  /// Nil for those that are gone meanwhile.
  var messages: [JSON?] = []
  /// Of the message behind them.
  var error: CommandError?
}

extension GmailClient {
  /// Calls in flight, if they are sent individually.
  private static let maximumConcurrency = 8

  /// Whole messages in the order of their ids.
  func messages(
    _ ids: [String], of user: String, in invocation: Invocation
  ) async -> MessagesRead {
    let targets = ids.map { id in
      Target(id, mail(.get, user, "/messages/", id) { $0.query("format", "full") })
    }
    var results = [Result<JSON, CommandError>?](repeating: nil, count: targets.count)
    let size = batchSize(for: targets.count, of: invocation.commandID)
    if size > 1 {
      let answers = await sendInBatches(targets, size: size) { batch in
        await self.exchange(batch, in: invocation)
      }
      results = answers.map { $0?.settled?.map { $0.body ?? JSONFragment.null.json } }
    }
    let left = results.indices.filter { results[$0] == nil }
    let answers = await concurrentMap(
      left, limit: Self.maximumConcurrency, stoppingAfter: Self.endsReading
    ) { position in
      await self.result(of: targets[position].request, in: invocation)
    }
    for (position, answer) in zip(left, answers) { results[position] = answer }
    var read = MessagesRead()
    for result in results {
      switch result {
      case .success(let message): read.messages.append(message)
      case .failure(let error) where error.statusCode == 404: read.messages.append(nil)
      case .failure(let error):
        read.error = error
        return read
      case nil:
        read.error = .cancelled(outcome: .notApplied)
        return read
      }
    }
    return read
  }

  private func result(
    of request: HTTPRequest, in invocation: Invocation
  ) async -> Result<JSON, CommandError> {
    do throws(CommandError) {
      return .success(try await exchange(request, in: invocation))
    } catch {
      return .failure(error)
    }
  }

  /// A message that is gone does not end the reading, any other failure does.
  private static func endsReading(_ result: Result<JSON, CommandError>) -> Bool {
    if case .failure(let error) = result { error.statusCode != 404 } else { false }
  }
}
