import Basics
import Crypto
import Glibc
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// Polls a command that fetches events, and passes each event on until it is acknowledged.
///
/// Each poll is an ordinary invocation: policy, rate limits, deadline and audit apply. A follower ends
/// only when its task is cancelled. Errors of polls are reported, and it goes on.
package final class Follower: Sendable {
  /// The pause after consecutive failures doubles up to that, or to the interval if that is longer.
  private static let maximumBackOffMilliseconds = 300_000
  /// A vendor cannot stop the polls for longer with Retry-After.
  private static let maximumRetryAfterMilliseconds = 3_600_000
  private static let libcryptoMilliseconds = 5_000

  private let engine: Engine
  private let started = Mutex<FollowProgress?>(nil)

  package init(on engine: Engine) { self.engine = engine }

  /// Nil until it has started.
  package var progress: FollowProgress? { started.withLock { $0 } }

  /// Polls until the task is cancelled.
  ///
  /// - Parameter id: of the caller's request, as JSON, for the audit file.
  /// - Throws: if the first poll is not allowed, or the checkpoint cannot be used. Nothing was sent
  ///   then.
  package func run(
    _ request: FollowRequest, id: JSONFragment, to output: any FollowOutput
  ) async throws(InvocationError) -> FollowSummary {
    let (trace, _) = TraceContext.of(request.invocation.options.traceparent)
    let first = try engine.prepare(
      request.poll(from: request.givenCursor, in: trace), recordingRefusalFor: AuditCaller(id: id))
    let checkpoint = try await openCheckpoint(of: request, first)
    let position = checkpoint?.position ?? FeedPosition(cursor: request.givenCursor)
    if checkpoint?.position != nil {
      _ = try engine.prepare(
        request.poll(from: position.cursor, in: trace), recordingRefusalFor: AuditCaller(id: id))
    }
    let progress = FollowProgress(
      from: position, maximum: request.maximumUnacknowledged, checkpoint)
    started.withLock { $0 = progress }
    var feed = Feed(
      request: request, id: id, trace: trace, progress: progress, cursor: position.cursor,
      redaction: first.redaction,
      restored: position.keys, isStored: checkpoint != nil)
    await follow(&feed, output)
    let last = await progress.end()
    return FollowSummary(
      events: last.events, polls: feed.polls, cursor: last.cursor,
      meta: OutcomeMeta(
        connection: first.connection.connection.name, trace, since: request.invocation.arrival),
      redaction: feed.redaction)
  }

  /// What the task of the follower knows.
  private struct Feed {
    let request: FollowRequest
    let id: JSONFragment
    let trace: TraceContext
    let progress: FollowProgress
    /// Where the next poll continues.
    var cursor: String?
    var redaction: RedactionScope
    /// Events that an earlier follower acknowledged after the cursor. Each is left out once.
    var restored: [String]
    /// Whether there is a checkpoint.
    let isStored: Bool
    var polls = 0
    var failures = 0
  }

  // MARK: Polling

  private func follow(_ feed: inout Feed, _ output: any FollowOutput) async {
    var next = MonotonicTime.now
    while true {
      await Task.pause(milliseconds: next.milliseconds(since: .now))
      guard await feed.progress.room() else { return }
      let begin = MonotonicTime.now
      feed.polls += 1
      let outcome = await poll(feed)
      guard !Task.isCancelled else { return }
      switch outcome {
      case .success(let page):
        feed.failures = 0
        feed.redaction = page.redaction
        guard await send(page, &feed, output) else { return }
        let interval = begin.adding(milliseconds: feed.request.everyMilliseconds)
        next = page.result.hasMoreEvents ? .now : max(.now, interval)
        await output.polled(
          FinishedPoll(
            cursor: feed.cursor, notices: page.result.notices,
            nextPollAtMilliseconds: Self.wallClock(next), redaction: page.redaction))
      case .failure(let error):
        feed.failures += 1
        next = MonotonicTime.now.adding(milliseconds: Self.pause(after: error, feed))
        await output.failed(error, nextPollAtMilliseconds: Self.wallClock(next))
      }
      guard !Task.isCancelled else { return }
    }
  }

  private static func wallClock(_ time: MonotonicTime) -> Int64 {
    WallClock.nowMilliseconds + Int64(max(0, time.milliseconds(since: .now)))
  }

  private static func pause(after error: InvocationError, _ feed: Feed) -> Int {
    let every = feed.request.everyMilliseconds
    // More doublings than there are between the bounds of the interval and of the pause.
    let doubled = every << min(feed.failures - 1, 10)
    let pause = min(doubled, max(every, maximumBackOffMilliseconds))
    guard case .failed(let failure) = error.reason,
      let retryAfter = failure.retryAfterMilliseconds
    else { return pause }
    return max(pause, min(retryAfter, maximumRetryAfterMilliseconds))
  }

  private struct Page: Sendable {
    let result: CommandResult
    let redaction: RedactionScope
  }

  private func poll(_ feed: Feed) async -> Result<Page, InvocationError> {
    do throws(InvocationError) {
      let caller = AuditCaller(id: feed.id)
      let invocation = try engine.prepare(
        feed.request.poll(from: feed.cursor, in: feed.trace), recordingRefusalFor: caller)
      let outcome = await invocation.run(for: caller) { $0 }
      if let error = outcome.invocationError { throw error }
      guard case .result(let result) = outcome.content else {
        preconditionFailure("a poll has no idempotency key")
      }
      if result.cursor == nil, result.events?.isEmpty == false {
        throw InvocationError(
          CommandError(
            .internal, "The events have no cursor, so they cannot be followed.",
            remedy: "The command must return a cursor with its events."),
          indicator: outcome.command.failure)
      }
      return .success(Page(result: result, redaction: outcome.redaction))
    } catch {
      return .failure(error)
    }
  }

  // MARK: Sending

  /// - Returns: false if the task was cancelled.
  private func send(
    _ page: Page, _ feed: inout Feed, _ output: any FollowOutput
  ) async -> Bool {
    let events = page.result.events ?? []
    var positions = page.result.positions
    if events.isEmpty, let cursor = page.result.cursor, cursor != feed.cursor {
      feed.cursor = cursor
      await pass([.cursor(cursor)], feed)
    }
    for (number, event) in events.enumerated() {
      let position = positions?.list[number]
      let reached =
        number == events.count - 1
        ? page.result.cursor
        : position?.endedDocument.flatMap { positions?.cursors?.cursor(afterDocument: $0) }
      let key = feed.isStored ? position?.key ?? Self.digest(of: event) : nil
      let steps =
        (key.map { [FeedPosition.Step.event(key: $0)] } ?? [])
        + (reached.map { [.cursor($0)] } ?? [])
      feed.cursor = reached ?? feed.cursor
      if let known = key.flatMap(feed.restored.firstIndex(of:)) {
        feed.restored.remove(at: known)
        await pass(steps, feed)
        continue
      }
      guard await feed.progress.room() else { return false }
      await output.event(
        FollowedEvent(
          sequence: feed.progress.add(steps), event: event, cursor: feed.cursor,
          redaction: page.redaction))
      guard !Task.isCancelled else { return false }
    }
    return true
  }

  private func pass(_ steps: [FeedPosition.Step], _ feed: Feed) async {
    if let error = await feed.progress.pass(steps) { engine.log.warning(error.message) }
  }

  /// Identifies an event of a command that does not name its documents. Nil without libcrypto: it then
  /// comes again after a restart.
  private static func digest(of event: JSONFragment) -> String? {
    try? Digest.hex(.sha256, event.bytes)
  }

  // MARK: Checkpoint

  private func openCheckpoint(
    of request: FollowRequest, _ first: PreparedInvocation
  ) async throws(InvocationError) -> Checkpoint? {
    guard let name = request.checkpoint else { return nil }
    guard let directory = engine.options.stateDirectory else {
      throw InvocationError(
        RequestProblems("/checkpoint", "requires a host with --state-dir"),
        indicator: first.command.failure)
    }
    _ = try? await Libcrypto.open(
      until: Deadline(inMilliseconds: Self.libcryptoMilliseconds))
    let source = Checkpoint.Source(
      integration: first.request.integration.id, command: first.command.id,
      connection: first.connection.connection.name)
    let opened: Result<Checkpoint, CommandError>
    do throws(BlockingWork.Interruption) {
      opened = try await BlockingWork.state.run {
        Result { () throws(CommandError) in try Checkpoint(name, of: source, in: directory) }
      }
    } catch {
      opened = .failure(CommandError(error, of: "Opening the checkpoint"))
    }
    do throws(CommandError) {
      return try opened.get()
    } catch {
      throw InvocationError(error, indicator: first.command.failure)
    }
  }
}
