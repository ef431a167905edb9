import Basics
import Glibc
import JSON
import RPC
import Synchronization

/// One run of the host over its streams: reads to the end, finishes what was accepted, and says
/// how it went.
package final class Session: Sendable {
  /// Milliseconds in which cancelled requests are still answered before the host gives up.
  private static let cancelGraceMilliseconds = 2_000

  private struct State {
    var signals = 0
    var drainDeadline: Deadline?
  }

  private let context: HostContext
  private let admission: Admission
  private let output: OutputQueue
  private let active = ActiveRequests()
  private let statistics = Statistics()
  private let reader = InputReader()
  private let observer: (any SessionObserver)?
  private let state = Mutex(State())

  /// - Parameter output: where frames go; see `StandardOutput`.
  package init(
    _ context: HostContext, to output: Int32, observer: (any SessionObserver)? = nil
  ) {
    self.context = context
    self.observer = observer
    let admission = Admission(maximum: context.options.maximumInFlight)
    self.admission = admission
    let (active, reader) = (self.active, self.reader)
    self.output = OutputQueue(to: output, admission: admission) { error in
      admission.close()
      active.cancelAll(.outputGone)
      reader.stop()
    }
    let queue = self.output
    OutputWatch.start(output) { queue.fail(EPIPE) }
  }

  /// Takes SIGTERM and SIGINT: the first stops the reading, a second one cancels what is left.
  ///
  /// To be called on the main thread.
  package func watchSignals() { Signals.watch { [self] in interrupt() } }

  private func interrupt() {
    let signals = state.withLock { state in
      state.signals += 1
      return state.signals
    }
    admission.close()
    if signals == 1 {
      startDraining()
      output.close()
      reader.stop()
      context.log.info("stopping: no more requests are read, those under way are finished")
    } else {
      context.log.info("stopping now: requests under way are cancelled")
      // The draining thread cancels them: it then knows that not all was finished.
    }
    admission.wake()
  }

  /// Reads the inputs to their end, one after the other, and drains. Blocks.
  ///
  /// - Throws: when an input cannot be read; what was accepted before has been answered then.
  package func run(_ inputs: [Int32]) throws(FileError) -> ExitCode {
    let audience = Audience()
    let health = HealthMonitor(context, to: output, audience)
    health.watchConfigured()
    context.connections.tellChanges { [output] name in
      if audience.isAgent { return }
      var writer = JSONWriter()
      Frame.notification("connections/changed", into: &writer) {
        $0.object { $0.member("name", name) }
      }
      output.append(writer.bytes + [0x0A])
    }
    let handler = RequestHandler(
      context: context, output: output, admission: admission, active: active,
      statistics: statistics, health: health, audience: audience, observer: observer)
    var failure: FileError?
    for input in inputs {
      guard failure == nil, read(input, handler, &failure) else { break }
    }
    // From here on a reader that does not read holds up nothing but the end, and not that for ever.
    if !context.options.waitsForAllAtEnd { startDraining() }
    output.close()
    handler.finish()
    health.stopAll()
    let code = drain()
    context.writePendingRecords()
    if let failure, code == .success { throw failure }
    return code
  }

  /// - Returns: whether the next input is to be read too.
  private func read(
    _ input: Int32, _ handler: RequestHandler, _ failure: inout FileError?
  ) -> Bool {
    var splitter = LineSplitter(maximumBytes: context.options.maximumLineBytes)
    var goesOn = true
    reader.read(input) { piece in
      switch piece {
      case .bytes(let bytes):
        splitter.append(bytes) { line, number in
          handler.handle(line, number: number)
          observer?.handled(bytes: line.count + 1)
        }
        handler.flush()
        if handler.isShuttingDown { reader.stop() }
      case .end:
        splitter.finish { handler.handle($0, number: $1) }
      case .stopped:
        goesOn = false
      case .failed(let error):
        failure = error
        goesOn = false
      }
    }
    return goesOn
  }

  // MARK: Draining

  @discardableResult
  private func startDraining() -> Deadline {
    state.withLock { state in
      let deadline =
        state.drainDeadline
        ?? Deadline(inMilliseconds: Int(context.options.drainTimeoutSeconds * 1_000))
      state.drainDeadline = deadline
      return deadline
    }
  }

  /// Waits until nothing is under way, by the deadline if there is one or a signal sets one.
  private func waitUntilDrained() -> Bool {
    while true {
      let deadline = state.withLock { $0.drainDeadline }
      let isDrained = admission.waitUntilEmpty(until: deadline) { [self] in
        let (signals, current) = state.withLock { ($0.signals, $0.drainDeadline) }
        return signals >= 2 || output.failure != nil || (deadline == nil && current != nil)
      }
      // A first signal has set a deadline: go on waiting, until then.
      let isHurried = deadline != nil || state.withLock { $0.signals >= 2 }
      if isDrained || isHurried || output.failure != nil { return isDrained }
    }
  }

  private func drain() -> ExitCode {
    let isDrained = waitUntilDrained()
    if !isDrained {
      context.log.warning("\(admission.inFlight) requests were not finished and are cancelled")
      active.cancelAll(output.failure == nil ? .draining : .outputGone)
      _ = admission.waitUntilEmpty(
        until: Deadline(inMilliseconds: Self.cancelGraceMilliseconds)
      ) { false }
    }
    let remaining = startDraining().remainingMilliseconds
    let isWritten = output.flush(until: Deadline(inMilliseconds: max(200, remaining)))
    if let error = output.failure {
      context.log.error("the output was closed: \(String(cString: strerror(error)))")
      return .outputClosed
    }
    return isDrained && isWritten ? .success : .unfinished
  }
}
