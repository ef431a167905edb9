import Basics
import Glibc
import JSON
import Redaction
import Synchronization

/// Limits of one connection.
package struct ConnectionLimits: Sendable {
  /// Maximum number of requests in flight. Calls beyond it are parked.
  package var maximumInFlight = 64
  /// Maximum memory in bytes of parked calls: their lines, and `ParkedCall.ownBytes` per call. Beyond
  /// it, the host stops reading. 0 to park nothing.
  package var maximumParkedBytes = 8 * 1_024 * 1_024
  /// Maximum size of a response in bytes, and of all responses of batches that are not written.
  package var maximumResultBytes = 64 * 1_024 * 1_024
  /// Maximum length of an input line in bytes, without the line end.
  package var maximumLineBytes = 32 * 1_024 * 1_024
  /// Maximum number of members of a batch.
  package var maximumBatchRequests = 10_000
  /// Seconds to finish requests in flight after EOF or the first signal.
  package var drainTimeoutSeconds = 30.0
  /// Whether requests have no time limit after EOF. The drain timeout then starts only at a signal.
  package var waitsForAllAtEnd = false

  /// Memory in bytes of the lines of requests in flight and of unwritten responses. Above it, only one
  /// request runs at a time.
  var maximumHeldBytes: Int { max(64 * 1_024 * 1_024, maximumResultBytes) }

  package init() {}
}

/// Observes a connection and can skip requests.
package protocol ConnectionObserver: AnyObject, Sendable {
  /// Whether to skip the request with this id without a response.
  func skips(_ id: RequestID) -> Bool
  /// A request was read that gets a response.
  func received()
  func answered(_ status: ResponseStatus)
  /// A line of this length was read. Its requests have responses or are in flight.
  func handled(bytes: Int)
}

/// One connection: reads calls until EOF, passes them to handlers, then drains. It has no methods of
/// a protocol.
package final class Connection: Sendable {
  /// How a connection ended.
  package enum Ending: Sendable {
    /// Every request has its response.
    case drained
    /// A request was not finished before the drain timeout.
    case unfinished
    /// The reader closed the output, or writing failed.
    case outputClosed
  }

  /// Milliseconds to wait for the responses of cancelled requests.
  private static let cancelGraceMilliseconds = 2_000
  /// The same after a signal while draining. With the time to write the responses and the audit file,
  /// it fits in the 2 s between SIGTERM and SIGKILL of MCP clients.
  private static let signalGraceMilliseconds = 700
  /// Milliseconds to write the responses of cancelled requests.
  private static let lastWriteMilliseconds = 300

  private struct State {
    /// The input has ended, or a signal or `shutDown` has stopped reading.
    var isDraining = false
    /// A signal arrived while the host was draining.
    var isCancelling = false
    var drainDeadline: Deadline?
  }

  package let limits: ConnectionLimits
  /// Creates the frames of this connection.
  package let frames: FrameWriter
  let log: Log
  let limit: InFlightLimit
  let output: Output
  let requests = RequestsInFlight()
  let statistics = ConnectionStatistics()
  let observer: (any ConnectionObserver)?
  let kept: KeptCalls
  private let reader: InputReader
  private let shuttingDown = Atomic(false)
  private let interrupted = Atomic(false)
  private let state = Mutex(State())

  /// - Parameter output: the descriptor that frames are written to.
  /// - Throws: if the system refuses a descriptor or a thread.
  package init(
    to output: Int32, limits: ConnectionLimits, redactor: Redactor, log: Log,
    observer: (any ConnectionObserver)? = nil
  ) throws(FileError) {
    self.limits = limits
    self.log = log
    self.observer = observer
    frames = FrameWriter(redactor: redactor)
    limit = InFlightLimit(limits)
    kept = KeptCalls(maximumBytes: limits.maximumParkedBytes)
    reader = try InputReader()
    self.output = Output(to: output, limit: limit) { [limit, requests, reader] error in
      limit.close()
      requests.cancelAll(.outputGone)
      reader.stop()
    }
    try self.output.start()
    try OutputWatch.start(output) { [output = self.output] in output.fail(EPIPE) }
  }

  // MARK: For handlers

  /// Queues a message. Does not block.
  package func send(_ frame: Frame) { output.send(FrameLines(frame)) }

  /// Queues messages. Does not block.
  package func send(_ lines: borrowing FrameBuffer) { output.send(lines) }

  /// Suspends the task while the output queue is full. For tasks that send many messages.
  package func room() async { await output.room() }

  /// Cancels a request in flight.
  ///
  /// - Returns: whether a request with this id was in flight.
  package func cancel(_ id: RequestID) -> Bool {
    guard kept.cancel(id) else { return requests.cancel(id) }
    reader.wake()
    return true
  }

  package func isInFlight(_ id: RequestID) -> Bool {
    requests.contains(id) || kept.contains(id)
  }

  /// Something that calls wait for may be ready: see `Handler.mustWait`. Any thread may call it.
  package func callsMayBeReady() { reader.wake() }

  package var inFlight: Int { limit.inFlight }
  /// Calls that wait for a slot.
  package var parked: Int { limit.parkedCount }

  /// Lines that were read.
  package var lines: Int { statistics.lines.load(ordering: .relaxed) }

  package func writeStatistics(to writer: inout JSONWriter) {
    statistics.write(inFlight: limit.inFlight, parked: limit.parkedCount, to: &writer)
  }

  /// Stops reading. Requests in flight and parked calls finish.
  package func shutDown() {
    shuttingDown.store(true, ordering: .relaxed)
    state.withLock { $0.isDraining = true }
    reader.stop()
  }

  package var isShuttingDown: Bool { shuttingDown.load(ordering: .relaxed) }

  /// Whether a signal has ended the reading.
  var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

  // MARK: Running

  /// Handles a signal. It stops reading and refuses parked calls. If the host is already draining, it
  /// also cancels the requests in flight.
  package func interrupt() {
    // A reading thread that waits has not noticed that the caller closed the input.
    let inputHasEnded = reader.inputHasEnded
    let isCancelling = state.withLock { state in
      state.isCancelling = state.isDraining || inputHasEnded
      state.isDraining = true
      return state.isCancelling
    }
    interrupted.store(true, ordering: .relaxed)
    startDraining()
    limit.close()
    output.close()
    reader.stop()
    // The draining thread cancels them, because it reports that they did not finish.
    limit.wake()
    output.wake()
    log.info(
      isCancelling
        ? "stopping now: cancelling the requests in flight"
        : "stopping: finishing the requests in flight, reading no more")
  }

  /// Reads the inputs in order until EOF, then drains. Blocks.
  ///
  /// - Parameter handlers: a call is passed to the handler that takes it, otherwise to the first one.
  /// - Throws: if an input cannot be read. Requests accepted before that have their responses.
  package func run(
    _ inputs: [Int32], handlers: [any Handler]
  ) throws(FileError) -> Ending {
    let lines = ConnectionReader(self, handlers)
    var failure: FileError?
    for (number, input) in inputs.enumerated() {
      guard failure == nil, read(input, number, lines, &failure) else { break }
    }
    state.withLock { $0.isDraining = true }
    // From here on, a reader that does not read delays only the exit, until the drain timeout.
    if !limits.waitsForAllAtEnd { startDraining() }
    output.close()
    lines.inputEnded()
    let ending = drain()
    if let failure, ending == .drained { throw failure }
    return ending
  }

  /// - Returns: whether to read the next input.
  private func read(
    _ input: Int32, _ inputNumber: Int, _ lines: ConnectionReader, _ failure: inout FileError?
  ) -> Bool {
    var splitter = LineSplitter(maximumBytes: limits.maximumLineBytes)
    var goesOn = true
    reader.read(input) { piece in
      switch piece {
      case .bytes(let bytes):
        splitter.append(bytes) { line, number in
          lines.handle(line, number: number, of: inputNumber)
          observer?.handled(bytes: line.count + 1)
        }
        lines.flush()
      case .woken: lines.handleKept()
      case .end:
        splitter.finish { lines.handle($0, number: $1, of: inputNumber) }
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

  /// Waits until no request is in flight, but not beyond the deadline. A signal can set the deadline.
  private func waitUntilDrained() -> Bool {
    while true {
      let deadline = state.withLock { $0.drainDeadline }
      let isDrained = limit.waitUntilEmpty(until: deadline) { [self] in
        let (isCancelling, current) = state.withLock { ($0.isCancelling, $0.drainDeadline) }
        return isCancelling || output.failure != nil || (deadline == nil && current != nil)
      }
      // The first signal has set a deadline: continue to wait until then.
      let isHurried = deadline != nil || state.withLock { $0.isCancelling }
      if isDrained || isHurried || output.failure != nil { return isDrained }
    }
  }

  /// Writes the pending responses until the drain timeout, or shortly if a signal cancels it.
  ///
  /// - Returns: whether all of them were written.
  private func flush() -> Bool {
    let remaining = max(Self.lastWriteMilliseconds, startDraining().remainingMilliseconds)
    let isWritten = output.flush(until: Deadline(inMilliseconds: remaining)) { [self] in
      state.withLock { $0.isCancelling }
    }
    return isWritten
      || output.flush(until: Deadline(inMilliseconds: Self.lastWriteMilliseconds)) { false }
  }

  private func drain() -> Ending {
    let isDrained = waitUntilDrained()
    if !isDrained {
      log.warning("cancelling \(limit.inFlight + limit.parkedCount) unfinished requests")
      // First, so that no parked call starts when a slot is free.
      limit.close()
      requests.cancelAll(output.failure == nil ? .draining : .outputGone)
      let grace =
        state.withLock { $0.isCancelling }
        ? Self.signalGraceMilliseconds : Self.cancelGraceMilliseconds
      _ = limit.waitUntilEmpty(until: Deadline(inMilliseconds: grace)) { false }
    }
    let isWritten = flush()
    if let error = output.failure {
      log.error("the output was closed: \(String(cString: strerror(error)))")
      return .outputClosed
    }
    return isDrained && isWritten ? .drained : .unfinished
  }
}
