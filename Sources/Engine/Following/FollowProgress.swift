import Basics
import IntegrationKit
import JSON
import Synchronization

/// The events that a follower has sent, their acknowledgements, and the checkpoint.
package final class FollowProgress: Sendable {
  /// How long an acknowledgement waits for a disk that hangs.
  private static let maximumWriteMilliseconds = 3_600_000
  /// How long the end waits for the acknowledgements that are being written.
  private static let lastWriteMilliseconds = 500
  private static let indicator = "The request events/ack failed."

  private struct State {
    var window: AcknowledgementWindow
    var checkpoint: Checkpoint?
    var hasEnded = false
    /// The highest sequence number that was to be acknowledged.
    var wanted = -1
    /// Waits until the window is not full.
    var waiter: Latch?
  }

  private let state: Mutex<State>
  /// Held during each write of the checkpoint. Its waiters find their events acknowledged, because each
  /// write takes all that were to be acknowledged when it began.
  private let writing = TaskSemaphore(1)

  /// - Parameter maximum: of events that are not acknowledged.
  init(from position: FeedPosition, maximum: Int, _ checkpoint: Checkpoint?) {
    state = Mutex(
      State(
        window: AcknowledgementWindow(from: position, maximum: maximum), checkpoint: checkpoint))
  }

  // MARK: Sending

  /// Adds an event that is sent.
  ///
  /// - Returns: its sequence number.
  func add(_ steps: [FeedPosition.Step]) -> Int { state.withLock { $0.window.add(steps) } }

  /// Waits until another event may be sent.
  ///
  /// - Returns: false if the task was cancelled.
  func room() async -> Bool {
    while !Task.isCancelled {
      let latch = state.withLock { state -> Latch? in
        guard state.window.isFull else { return nil }
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
  ///
  /// - Returns: why it was not stored. The next acknowledgement stores it.
  func pass(_ steps: [FeedPosition.Step]) async -> CommandError? {
    let mustStore = state.withLock { $0.window.pass(steps) && $0.checkpoint != nil }
    guard mustStore,
      await writing.acquire(until: Deadline(inMilliseconds: Self.maximumWriteMilliseconds))
    else { return nil }
    defer { writing.release() }
    return await store(state.withLock { $0.window.position })
  }

  // MARK: Acknowledging

  package struct Acknowledgement: Sendable {
    let sequence: Int
    let unacknowledged: Int

    fileprivate init(_ window: AcknowledgementWindow) {
      sequence = window.lastAcknowledged
      unacknowledged = window.count
    }

    package func write(to writer: inout JSONWriter) {
      writer.object {
        $0.member("acknowledged", sequence)
        $0.member("unacknowledged", unacknowledged)
      }
    }
  }

  /// Acknowledges all events up to a sequence number, if nothing must be written for it.
  ///
  /// - Returns: nil if the checkpoint must be written: call `acknowledge`.
  /// - Throws: if no event with that number was sent, or the follower has ended.
  package func acknowledgeAtOnce(
    _ sequence: Int
  ) throws(InvocationError) -> Acknowledgement? {
    let outcome = state.withLock { state -> Result<(Acknowledgement?, Latch?), RequestProblems> in
      if state.hasEnded { return .failure(RequestProblems("/id", "the follower has ended")) }
      let next = state.window.nextSequence
      guard sequence < next else {
        let sent =
          next == 0 ? "no event was sent yet" : "the last event that was sent has \(next - 1)"
        return .failure(RequestProblems("/seq", "no event \(sequence): \(sent)"))
      }
      state.wanted = max(state.wanted, sequence)
      if sequence <= state.window.lastAcknowledged {
        return .success((Acknowledgement(state.window), nil))
      }
      guard state.checkpoint == nil else { return .success((nil, nil)) }
      state.window.acknowledge(through: sequence)
      return .success((Acknowledgement(state.window), state.waiter.take()))
    }
    do throws(RequestProblems) {
      let (acknowledgement, waiter) = try outcome.get()
      waiter?.signal()
      return acknowledgement
    } catch {
      throw InvocationError(error, indicator: Self.indicator)
    }
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
      (state.wanted, state.window.acknowledging(through: state.wanted).position)
    }
    if let error = await store(position) {
      throw InvocationError(error, indicator: Self.indicator)
    }
    let (acknowledgement, waiter) = state.withLock { state in
      state.window.acknowledge(through: target)
      return (Acknowledgement(state.window), state.waiter.take())
    }
    waiter?.signal()
    return acknowledgement
  }

  // MARK: Checkpoint

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
  ///
  /// - Returns: the number of events that were sent, and the cursor of those that were acknowledged.
  func end() async -> (events: Int, cursor: String?) {
    // Its own task, because that of the follower is cancelled.
    let isIdle = await Task.detached { [writing] in
      await writing.acquire(until: Deadline(inMilliseconds: Self.lastWriteMilliseconds))
    }.value
    defer { if isIdle { writing.release() } }
    return state.withLock { state in
      if isIdle { state.checkpoint?.release() }
      (state.hasEnded, state.checkpoint) = (true, nil)
      return (state.window.nextSequence, state.window.position.cursor)
    }
  }
}
