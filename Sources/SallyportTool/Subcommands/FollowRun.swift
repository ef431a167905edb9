import Basics
import Engine
import Glibc
import JSON
import RPC
import Redaction
import Synchronization

/// One follower for `follow`: writes its events, and acknowledges each one when its line is written.
final class FollowRun: FollowOutput {
  /// Milliseconds that a line which is being written may take after a signal.
  private static let lastWriteMilliseconds = 2_000
  /// Between attempts to store the checkpoint.
  private static let retryMilliseconds = 5_000
  /// Writes wait for the reader.
  private static let lane = BlockingWork("follow output", threads: 1)

  private enum Ending: Sendable {
    case stopped
    case refused(InvocationError)
  }

  private struct State {
    var task: Task<Void, Never>?
    var isStopped = false
    var isOutputClosed = false
    var ending: Ending?
  }

  private let engine: Engine
  private let output: Int32
  private let follower: Follower
  private let state = Monitor(State())
  private let events = Atomic(0)
  private let showsStatus = isatty(STDERR_FILENO) == 1

  init(on engine: Engine, to output: Int32) {
    self.engine = engine
    self.output = output
    follower = Follower(on: engine)
  }

  /// Follows until `stop`, or until the reader closes the output. Blocks.
  ///
  /// - Returns: the exit status.
  func follow(_ request: FollowRequest) -> Int32 {
    // Without the thread, the next line shows it.
    try? OutputWatch.start(output) { [self] in outputClosed() }
    let task = Task.detached { [self] in
      let ending: Ending
      do throws(InvocationError) {
        _ = try await follower.run(request, id: .null, to: self)
        ending = .stopped
      } catch {
        ending = .refused(error)
      }
      state.withLock { $0.ending = ending }
      state.notify()
    }
    let isStopped = state.withLock { state in
      state.task = task
      return state.isStopped
    }
    if isStopped { task.cancel() }
    _ = state.wait { $0.isStopped || $0.ending != nil ? true : nil }
    let ending = state.wait(until: Deadline(inMilliseconds: Self.lastWriteMilliseconds)) {
      $0.ending
    }
    showStatus("")
    if case .refused(let error) = ending, !state.withLock({ $0.isStopped }) { return show(error) }
    return state.withLock { $0.isOutputClosed } ? ExitCode.outputClosed.rawValue : 0
  }

  /// Ends the follower. A line that is being written is finished and acknowledged.
  func stop() {
    let task = state.withLock { state in
      state.isStopped = true
      return state.task
    }
    task?.cancel()
    state.notify()
  }

  private func outputClosed() {
    state.withLock { $0.isOutputClosed = true }
    stop()
  }

  private func show(_ error: InvocationError) -> Int32 {
    switch error.reason {
    case .invalid(let problems):
      Console.error("sallyport: \(error.indicator) \(problems.message)")
      return ExitCode.usage.rawValue
    case .failed(let failure):
      Console.error("sallyport: \(error.indicator) \(failure.message)")
      if let remedy = failure.remedy { Console.error("  \(remedy)") }
      return ExitCode.someFailed.rawValue
    }
  }

  // MARK: Output

  func event(_ event: FollowedEvent) async {
    let written = JSONFragment { writer in writer.object { event.writeMembers(to: &$0) } }
    let line = event.redaction.search.replacement(json: written, FollowedEvent.layout) ?? written
    guard await write(line.bytes + [UInt8(ascii: "\n")]) else { return outputClosed() }
    events.add(1, ordering: .relaxed)
    while true {
      do throws(InvocationError) {
        _ = try await follower.progress?.acknowledge(event.sequence)
        return
      } catch {
        guard !Task.isCancelled else { return }
        warn("the checkpoint was not stored", error)
        await Task.pause(milliseconds: Self.retryMilliseconds)
      }
    }
  }

  /// - Returns: false if the reader has closed the output.
  private func write(_ line: [UInt8]) async -> Bool {
    showStatus("")
    // Its own task: a line that a signal interrupts would be acknowledged without being written.
    return await Task.detached { [output] in
      (try? await Self.lane.run { FileDescriptor.writeAll(line, to: output) }) == 0
    }.value
  }

  func polled(_ poll: FinishedPoll) async {
    for notice in poll.notices { engine.log.info(notice) }
    let time = Style.localTime(poll.nextPollAtMilliseconds)
    showStatus("\(events.load(ordering: .relaxed)) events, next poll at \(time)")
  }

  func failed(_ error: InvocationError, nextPollAtMilliseconds: Int64) async {
    showStatus("")
    let time = Style.localTime(nextPollAtMilliseconds)
    warn("poll failed, next poll at \(time)", error)
  }

  private func warn(_ what: String, _ error: InvocationError) {
    let message =
      switch error.reason {
      case .invalid(let problems): problems.message
      case .failed(let failure): failure.message
      }
    engine.log.warning("\(what): \(message)")
  }

  /// Replaces the status line of a terminal; empty to remove it.
  private func showStatus(_ text: String) {
    guard showsStatus else { return }
    FileDescriptor.writeAll(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO)
  }
}
