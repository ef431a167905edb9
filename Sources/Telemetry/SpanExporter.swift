import Basics
import HTTP
import JSON

/// Exports spans to a collector by OTLP/HTTP, in batches, by a task that exists while there are spans.
///
/// `add` never waits. Spans that do not fit, or that the collector does not accept, are dropped and
/// counted.
package final class SpanExporter: Sendable {
  /// Maximum number of spans that wait, and of their bytes. Further ones are dropped.
  package static let maximumSpans = 8_192
  package static let maximumBytes = 16 * 1_024 * 1_024
  /// Maximum number of spans of one request, and of their bytes.
  private static let batchSpans = 512
  private static let batchBytes = 2 * 1_024 * 1_024
  /// Milliseconds that the first span of a batch waits for others.
  private static let gatherMilliseconds = 1_000
  /// Milliseconds that the end of the process waits for the last batches.
  package static let finishMilliseconds = 2_000
  /// Milliseconds between two log lines about dropped spans.
  private static let logMilliseconds = 60_000

  private struct State {
    var spans: [Span] = []
    var bytes = 0
    /// Of the batch that is being sent.
    var sending = 0
    var dropped = 0
    var loggedDropped = 0
    var lastLog: MonotonicTime?
    var isRunning = false
    /// When the process ends.
    var end: Deadline?
    /// Of the task while it waits.
    var wake: Latch?
    /// Whether the task waits for spans, not for the collector.
    var wakesForSpans = false

    var latchForSpans: Latch? {
      wakesForSpans && spans.count >= SpanExporter.batchSpans ? wake : nil
    }
  }

  private let delivery: OTLPDelivery
  private let log: Log
  private let monitor = Monitor(State())

  package init(to endpoint: OTLPEndpoint, through transport: any Transport, log: Log) {
    delivery = OTLPDelivery(endpoint: endpoint, transport: transport)
    self.log = log
  }

  /// Spans that were not exported.
  package var dropped: Int { monitor.withLock { $0.dropped } }

  package func add(_ span: Span) {
    let bytes = span.bytes
    let (isDropped, startsTask, latch) = monitor.withLock { state -> (Bool, Bool, Latch?) in
      guard state.spans.count + state.sending < Self.maximumSpans,
        state.bytes + bytes <= Self.maximumBytes
      else {
        state.dropped += 1
        return (true, false, nil)
      }
      state.spans.append(span)
      state.bytes += bytes
      defer { state.isRunning = true }
      return (false, !state.isRunning, state.latchForSpans)
    }
    latch?.signal()
    if isDropped { logDropped("the queue is full") }
    if startsTask { Task.detached { [self] in await export() } }
  }

  /// Exports the spans that wait. Blocks, for a bounded time.
  package func finish() {
    let end = Deadline(inMilliseconds: Self.finishMilliseconds)
    let latch = monitor.withLock { state in
      state.end = end
      return state.wake
    }
    latch?.signal()
    _ = monitor.wait(until: end) { $0.isRunning ? nil : true }
    monitor.withLock { state in
      state.dropped += state.spans.count + state.sending
      (state.spans, state.sending) = ([], 0)
      state.lastLog = nil
    }
    logDropped("the process ends")
  }

  // MARK: Exporting

  private func export() async {
    let patience = OTLPDelivery.Patience(
      end: { [monitor] in monitor.withLock { $0.end } },
      pause: { [self] in await pause(until: $0, isEndedBySpans: false) })
    while let spans = await nextBatch() {
      let loss = await delivery.send(OTLPBody.bytes(spans), count: spans.count, patience)
      monitor.withLock { state in
        // After the end they have been counted.
        if state.sending > 0, let loss { state.dropped += min(loss.spans, spans.count) }
        state.sending = 0
      }
      if let loss { logDropped(loss.reason) }
    }
    monitor.notify()
  }

  /// Nil if no spans wait: the task ends.
  private func nextBatch() async -> [Span]? {
    let gathers = monitor.withLock { state in
      !state.spans.isEmpty && state.spans.count < Self.batchSpans && state.end == nil
    }
    if gathers {
      await pause(
        until: Deadline(inMilliseconds: Self.gatherMilliseconds), isEndedBySpans: true)
    }
    return monitor.withLock { state in
      guard !state.spans.isEmpty else {
        state.isRunning = false
        return nil
      }
      var (count, bytes) = (0, 0)
      for span in state.spans.prefix(Self.batchSpans) {
        guard count == 0 || bytes + span.bytes <= Self.batchBytes else { break }
        bytes += span.bytes
        count += 1
      }
      defer {
        state.spans.removeFirst(count)
        state.bytes -= bytes
        state.sending = count
      }
      return Array(state.spans.prefix(count))
    }
  }

  /// - Parameter isEndedBySpans: whether it ends when there are enough spans for a batch. It always ends
  ///   when the process begins to end.
  private func pause(until deadline: Deadline, isEndedBySpans: Bool) async {
    let latch = Latch()
    let isEnding = monitor.withLock { state in
      state.wake = latch
      state.wakesForSpans = isEndedBySpans
      return state.end != nil
    }
    if isEnding {
      await Task.pause(milliseconds: deadline.remainingMilliseconds)
    } else {
      _ = await latch.wait(until: deadline)
    }
    monitor.withLock { $0.wake = nil }
  }

  private func logDropped(_ reason: String) {
    let count = monitor.withLock { state -> Int in
      let now = MonotonicTime.now
      if let last = state.lastLog, now.milliseconds(since: last) < Self.logMilliseconds { return 0 }
      defer { state.loggedDropped = state.dropped }
      if state.dropped > state.loggedDropped { state.lastLog = now }
      return state.dropped - state.loggedDropped
    }
    if count > 0 { log.warning("otlp: \(count) spans dropped: \(reason)") }
  }
}
