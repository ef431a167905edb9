import Basics
import Glibc
import JSON
import Redaction
import Synchronization

/// Limits of one connection; each has a name and a unit on the command line too.
package struct ConnectionLimits: Sendable {
  /// Requests in flight; at that many the host stops reading.
  package var maximumInFlight = 64
  /// Bytes of one line of input, without its end.
  package var maximumLineBytes = 32 * 1_024 * 1_024
  /// Members of one batch array.
  package var maximumBatchRequests = 10_000
  /// Seconds after the end of input, or the first signal, in which requests can still finish.
  package var drainTimeoutSeconds = 30.0
  /// Whether requests may take as long as they need after the end of input; the drain timeout then
  /// starts at a signal only.
  package var waitsForAllAtEnd = false

  package init() {}
}

/// Watches a connection, and may leave requests out of it.
package protocol ConnectionObserver: Sendable {
  /// Whether a request with that id is skipped without a response.
  func skips(_ id: RequestID) -> Bool
  func answered(_ status: ResponseStatus)
  /// A line of that many bytes has been taken, and is answered or in flight.
  func handled(bytes: Int)
}

/// One connection: reads calls to the end of the input, has them answered, drains, and says how it
/// ended. It knows no method.
package final class Connection: Sendable {
  /// How a connection ended.
  package enum Ending: Sendable {
    /// Every request got its response.
    case drained
    /// A request was not finished before the drain timeout.
    case unfinished
    /// The reader of the output went away, or the output cannot be written.
    case outputClosed
  }

  /// Milliseconds in which cancelled requests are still answered before the host gives up.
  private static let cancelGraceMilliseconds = 2_000

  private struct State {
    var signals = 0
    var drainDeadline: Deadline?
  }

  package let limits: ConnectionLimits
  /// Makes the frames of this connection.
  package let frames: FrameWriter
  let log: Log
  let limit: InFlightLimit
  let output: Output
  let requests = RequestsInFlight()
  let statistics = ConnectionStatistics()
  let observer: (any ConnectionObserver)?
  private let reader: InputReader
  private let shuttingDown = Atomic(false)
  private let state = Mutex(State())

  /// - Parameter output: where frames are written.
  /// - Throws: if the process has no descriptors left.
  package init(
    to output: Int32, limits: ConnectionLimits, redactor: Redactor, log: Log,
    observer: (any ConnectionObserver)? = nil
  ) throws(FileError) {
    self.limits = limits
    self.log = log
    self.observer = observer
    frames = FrameWriter(redactor: redactor)
    limit = InFlightLimit(maximum: limits.maximumInFlight)
    reader = try InputReader()
    self.output = Output(to: output, limit: limit) { [limit, requests, reader] error in
      limit.close()
      requests.cancelAll(.outputGone)
      reader.stop()
    }
    OutputWatch.start(output) { [output = self.output] in output.fail(EPIPE) }
  }

  // MARK: For handlers

  /// Queues a message of the host. Never waits.
  package func send(_ frame: Frame) { output.send(FrameLines(frame)) }

  /// Suspends a task that sends much while much is waiting for the reader.
  package func room() async { await output.room() }

  /// Cancels a request in flight.
  ///
  /// - Returns: whether there was one with that id.
  package func cancel(_ id: RequestID) -> Bool { requests.cancel(id) }

  package func isInFlight(_ id: RequestID) -> Bool { requests.contains(id) }

  package var inFlight: Int { limit.inFlight }

  package func writeStatistics(to writer: inout JSONWriter) {
    statistics.write(inFlight: limit.inFlight, to: &writer)
  }

  /// Accepts nothing more and stops reading; requests in flight are finished.
  package func shutDown() {
    shuttingDown.store(true, ordering: .relaxed)
    reader.stop()
  }

  package var isShuttingDown: Bool { shuttingDown.load(ordering: .relaxed) }

  // MARK: Running

  /// Takes a signal: the first one stops the reading, a second one cancels what is left.
  package func interrupt() {
    let signals = state.withLock { state in
      state.signals += 1
      return state.signals
    }
    limit.close()
    if signals == 1 {
      startDraining()
      output.close()
      reader.stop()
      log.info("stopping: no more requests are read, requests in flight are finished")
    } else {
      log.info("stopping now: requests in flight are cancelled")
      // The draining thread cancels them: it then knows that not all was finished.
    }
    limit.wake()
  }

  /// Reads the inputs to their end, one after the other, and drains. Blocks.
  ///
  /// - Parameter handlers: each call goes to one that takes it; the first one answers those that none takes.
  /// - Throws: if an input cannot be read; requests accepted before have been answered then.
  package func run(
    _ inputs: [Int32], handlers: [any Handler]
  ) throws(FileError) -> Ending {
    let lines = ConnectionReader(self, handlers)
    var failure: FileError?
    for input in inputs {
      guard failure == nil, read(input, lines, &failure) else { break }
    }
    // From here on a reader that does not read delays only the end, and not that for ever.
    if !limits.waitsForAllAtEnd { startDraining() }
    output.close()
    lines.inputEnded()
    let ending = drain()
    if let failure, ending == .drained { throw failure }
    return ending
  }

  /// - Returns: whether the next input is to be read too.
  private func read(
    _ input: Int32, _ lines: ConnectionReader, _ failure: inout FileError?
  ) -> Bool {
    var splitter = LineSplitter(maximumBytes: limits.maximumLineBytes)
    var goesOn = true
    reader.read(input) { piece in
      switch piece {
      case .bytes(let bytes):
        splitter.append(bytes) { line, number in
          lines.handle(line, number: number)
          observer?.handled(bytes: line.count + 1)
        }
        lines.flush()
      case .end:
        splitter.finish { lines.handle($0, number: $1) }
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
        ?? Deadline(inMilliseconds: Int(limits.drainTimeoutSeconds * 1_000))
      state.drainDeadline = deadline
      return deadline
    }
  }

  /// Waits until no request is in flight, by the deadline if there is one or a signal sets one.
  private func waitUntilDrained() -> Bool {
    while true {
      let deadline = state.withLock { $0.drainDeadline }
      let isDrained = limit.waitUntilEmpty(until: deadline) { [self] in
        let (signals, current) = state.withLock { ($0.signals, $0.drainDeadline) }
        return signals >= 2 || output.failure != nil || (deadline == nil && current != nil)
      }
      // A first signal has set a deadline: wait on, until then.
      let isHurried = deadline != nil || state.withLock { $0.signals >= 2 }
      if isDrained || isHurried || output.failure != nil { return isDrained }
    }
  }

  private func drain() -> Ending {
    let isDrained = waitUntilDrained()
    if !isDrained {
      log.warning("\(limit.inFlight) requests were not finished and are cancelled")
      requests.cancelAll(output.failure == nil ? .draining : .outputGone)
      _ = limit.waitUntilEmpty(
        until: Deadline(inMilliseconds: Self.cancelGraceMilliseconds)
      ) { false }
    }
    let remaining = startDraining().remainingMilliseconds
    let isWritten = output.flush(until: Deadline(inMilliseconds: max(200, remaining)))
    if let error = output.failure {
      log.error("the output was closed: \(String(cString: strerror(error)))")
      return .outputClosed
    }
    return isDrained && isWritten ? .drained : .unfinished
  }
}
