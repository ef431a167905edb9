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
  /// How long an acknowledgement waits for a disk that hangs.
  private static let maximumWriteMilliseconds = 3_600_000
  /// How long the end waits for the acknowledgements that are being written.
  private static let lastWriteMilliseconds = 500

  private struct State {
    /// Nil before the first poll and after the end.
    var window: AcknowledgementWindow?
    var checkpoint: Checkpoint?
    /// The highest sequence number that was to be acknowledged.
    var wanted = -1
    /// Waits until the window is not full.
    var waiter: Latch?
  }

  private let engine: Engine
  private let state = Mutex(State())
  /// Held by whoever writes the checkpoint. Its waiters find their events acknowledged, because each
  /// write takes all that were to be acknowledged when it began.
  private let writing = TaskSemaphore(1)

  package init(on engine: Engine) { self.engine = engine }

  /// Polls until the task is cancelled.
  ///
  /// - Parameter id: of the caller's request, as JSON, for the audit file.
  /// - Throws: if the first poll is not allowed, or the checkpoint cannot be used. Nothing was sent
  ///   then.
  package func run(
    _ request: FollowRequest, id: JSONFragment, to output: any FollowOutput
  ) async throws(InvocationError) -> FollowSummary {
    let start = MonotonicTime.now
    let first = try engine.prepare(
      request.poll(from: request.givenCursor), recordingRefusalFor: AuditCaller(id: id))
    let checkpoint = try await openCheckpoint(of: request, first)
    let position = checkpoint?.position ?? FeedPosition(cursor: request.givenCursor)
    if checkpoint?.position != nil { _ = try engine.prepare(request.poll(from: position.cursor)) }
    state.withLock { state in
      state.window = AcknowledgementWindow(
        from: position, maximum: request.maximumUnacknowledged)
      state.checkpoint = checkpoint
    }
    var feed = Feed(
      request: request, id: id, cursor: position.cursor, redaction: first.redaction,
      restored: position.keys)
    await follow(&feed, output)
    let last = await end()
    return FollowSummary(
      events: last.nextSequence, polls: feed.polls,
      durationMilliseconds: MonotonicTime.now.milliseconds(since: start),
      cursor: last.position.cursor, redaction: feed.redaction)
  }

  /// What the task of the follower knows.
  private struct Feed {
    let request: FollowRequest
    let id: JSONFragment
    /// Where the next poll continues.
    var cursor: String?
    var redaction: RedactionScope
    /// Events that an earlier follower acknowledged after the cursor. Each is left out once.
    var restored: [String]
    var polls = 0
    var failures = 0
  }

  // MARK: Polling

  private func follow(_ feed: inout Feed, _ output: any FollowOutput) async {
    var next = MonotonicTime.now
    while true {
      await Task.pause(milliseconds: next.milliseconds(since: .now))
      guard await room() else { return }
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
            cursor: feed.cursor, nextPollAtMilliseconds: Self.wallClock(next),
            redaction: page.redaction))
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
        feed.request.poll(from: feed.cursor), recordingRefusalFor: caller)
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
    guard !events.isEmpty else {
      if let cursor = page.result.cursor, cursor != feed.cursor {
        feed.cursor = cursor
        await pass([.cursor(cursor)])
      }
      return true
    }
    var positions = page.result.positions
    for (number, event) in events.enumerated() {
      let position = positions?.list[number]
      let isLast = number == events.count - 1
      let reached =
        isLast
        ? page.result.cursor
        : position?.endedDocument.flatMap { positions?.cursors?.cursor(afterDocument: $0) }
      var steps: [FeedPosition.Step] = []
      if hasCheckpoint, let key = position?.key ?? Self.digest(of: event) {
        steps.append(.event(key: key))
        if let known = feed.restored.firstIndex(of: key) {
          feed.restored.remove(at: known)
          if let reached {
            steps.append(.cursor(reached))
            feed.cursor = reached
          }
          await pass(steps)
          continue
        }
      }
      if let reached {
        steps.append(.cursor(reached))
        feed.cursor = reached
      }
      guard await room() else { return false }
      let sequence = state.withLock { $0.window?.add(steps) }
      guard let sequence else { return false }
      await output.event(
        FollowedEvent(
          sequence: sequence, event: event, cursor: feed.cursor, redaction: page.redaction))
      guard !Task.isCancelled else { return false }
    }
    return true
  }

  /// Identifies an event of a command that does not name its documents. Nil without libcrypto: it then
  /// comes again after a restart.
  private static func digest(of event: JSONFragment) -> String? {
    try? Digest.hex(.sha256, event.bytes)
  }

  private var hasCheckpoint: Bool { state.withLock { $0.checkpoint != nil } }

  /// Waits until another event may be sent.
  ///
  /// - Returns: false if the task was cancelled.
  private func room() async -> Bool {
    while !Task.isCancelled {
      let latch = state.withLock { state -> Latch? in
        guard state.window?.isFull == true else { return nil }
        let latch = Latch()
        state.waiter = latch
        return latch
      }
      guard let latch else { return true }
      _ = await latch.wait()
    }
    return false
  }

  /// Moves on without an event. The position is stored if no event before it is unacknowledged.
  private func pass(_ steps: [FeedPosition.Step]) async {
    guard state.withLock({ $0.window?.pass(steps) }) == true, hasCheckpoint,
      await writing.acquire(until: Deadline(inMilliseconds: Self.maximumWriteMilliseconds))
    else { return }
    defer { writing.release() }
    guard let position = state.withLock({ $0.window?.position }) else { return }
    // The next acknowledgement stores it, and reports the failure.
    if let error = await store(position) { engine.log.warning(error.message) }
  }

  // MARK: Acknowledging

  package struct Acknowledgement: Sendable {
    let sequence: Int
    let unacknowledged: Int

    package func write(to writer: inout JSONWriter) {
      writer.object {
        $0.member("acknowledged", sequence)
        $0.member("unacknowledged", unacknowledged)
      }
    }
  }

  private static let indicator = "The request events/ack failed."

  /// Acknowledges all events up to a sequence number, if nothing must be written for it.
  ///
  /// - Returns: nil if the checkpoint must be written: call `acknowledge`.
  /// - Throws: if no event with that number was sent, or the follower has ended.
  package func acknowledgeAtOnce(
    _ sequence: Int
  ) throws(InvocationError) -> Acknowledgement? {
    let outcome = state.withLock { state -> Result<(Acknowledgement?, Latch?), InvocationError> in
      guard let window = state.window else {
        return .failure(InvocationError(RequestProblems("/id", "the follower has ended")))
      }
      guard sequence < window.nextSequence else {
        let sent =
          window.nextSequence == 0
          ? "no event was sent yet" : "the last event that was sent has \(window.nextSequence - 1)"
        return .failure(InvocationError(RequestProblems("/seq", "no event \(sequence): \(sent)")))
      }
      state.wanted = max(state.wanted, sequence)
      if sequence <= window.lastAcknowledged {
        return .success((Self.acknowledgement(window), nil))
      }
      guard state.checkpoint == nil else { return .success((nil, nil)) }
      return .success(Self.acknowledge(sequence, in: &state))
    }
    let (acknowledgement, waiter) = try outcome.get()
    waiter?.signal()
    return acknowledgement
  }

  private static func acknowledgement(_ window: AcknowledgementWindow) -> Acknowledgement {
    Acknowledgement(sequence: window.lastAcknowledged, unacknowledged: window.count)
  }

  private static func acknowledge(
    _ sequence: Int, in state: inout State
  ) -> (Acknowledgement?, Latch?) {
    state.window?.acknowledge(through: sequence)
    return (state.window.map(acknowledgement), state.waiter.take())
  }

  /// The same, with the checkpoint. The position is on the disk when it returns.
  package func acknowledge(_ sequence: Int) async throws(InvocationError) -> Acknowledgement {
    if let done = try acknowledgeAtOnce(sequence) { return done }
    guard await writing.acquire(until: Deadline(inMilliseconds: Self.maximumWriteMilliseconds))
    else {
      throw InvocationError(.cancelled(outcome: .unknown), indicator: Self.indicator)
    }
    defer { writing.release() }
    // Another one may have written it meanwhile.
    if let done = try acknowledgeAtOnce(sequence) { return done }
    let (target, position) = state.withLock { state in
      (state.wanted, state.window?.acknowledging(through: state.wanted).position)
    }
    if let position, let error = await store(position) {
      throw InvocationError(error, indicator: Self.indicator)
    }
    let (acknowledgement, waiter) = state.withLock { Self.acknowledge(target, in: &$0) }
    waiter?.signal()
    // The follower may have ended during the write.
    return acknowledgement ?? Acknowledgement(sequence: target, unacknowledged: 0)
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

  /// Writes the checkpoint. Call it with `writing` held.
  ///
  /// - Returns: why it is not on the disk.
  private func store(_ position: FeedPosition) async -> CommandError? {
    guard let checkpoint = state.withLock({ $0.checkpoint }) else { return nil }
    // Its own task, which nobody cancels: a write that went on alone could overtake the next one.
    let written = await Task.detached { () -> Result<Void, CommandError> in
      do throws(BlockingWork.Interruption) {
        return try await BlockingWork.state.run {
          Result { () throws(FileError) in try checkpoint.write(position) }
            .mapError { error in
              CommandError(
                .unavailable, "The checkpoint cannot be written: \(error).", isRetryable: true,
                remedy: "Check the state directory, then acknowledge again.")
            }
        }
      } catch {
        return .failure(CommandError(error, of: "Writing the checkpoint"))
      }
    }.value
    guard case .failure(let error) = written else { return nil }
    return error
  }

  /// Ends the acknowledgements and releases the checkpoint.
  private func end() async -> AcknowledgementWindow {
    // Its own task, because that of the follower is cancelled.
    let isIdle = await Task.detached { [writing] in
      await writing.acquire(until: Deadline(inMilliseconds: Self.lastWriteMilliseconds))
    }.value
    defer { if isIdle { writing.release() } }
    return state.withLock { state in
      defer { (state.window, state.checkpoint) = (nil, nil) }
      guard let window = state.window else { preconditionFailure("a follower ends once") }
      return window
    }
  }
}
