import Basics
import Delivery
import IntegrationKit
import Synchronization
import Telemetry

/// What is known of one invocation while it runs: its trace, its label, and how its time is spent.
package final class InvocationTrail: SendObserver {
  package let trace: TraceContext
  /// Whether the caller's `traceparent` is invalid, so that a trace was made.
  package let hasInvalidParent: Bool
  /// For audit and logs.
  package let label: String?
  /// When its line was read.
  package let arrival: MonotonicTime
  /// Nil if they are not exported.
  let spans: InvocationSpans?
  let log: Log
  /// Milliseconds until the start that are logged. Less is no wait, but the work of a busy machine.
  private static let shownMilliseconds = 10
  private let times = Mutex(SpentTimes())
  private let vendors: VendorCounts
  private let integration: String
  private let connection: String

  /// - Parameter connection: its name; nil for an inline connection.
  init(of request: borrowing InvocationRequest, on connection: String?, in engine: Engine) {
    (trace, hasInvalidParent) = TraceContext.of(request.options.traceparent)
    label = request.options.label
    arrival = request.arrival
    integration = request.integration.id
    self.connection = connection ?? InvocationSubject.inline
    vendors = engine.metrics.vendors
    spans = InvocationSpans(trace, to: engine.spans)
    log = engine.log
  }

  package var spent: SpentTimes { times.withLock { $0 } }

  /// The notice about an invalid `traceparent`; nil if it is valid or was left out.
  var notice: String? { hasInvalidParent ? TraceContext.invalidParentNotice : nil }

  /// The invocation starts. Until now it waited.
  func started() {
    let end = MonotonicTime.now
    let time = end.nanoseconds - arrival.nanoseconds
    times.withLock { $0.queue += time }
    spans?.queued(from: arrival, to: end)
    let milliseconds = SpentTimes.milliseconds(time)
    if milliseconds >= Self.shownMilliseconds { logStart(after: milliseconds) }
  }

  /// It waited for another invocation with the same idempotency key, or for the ledger.
  ///
  /// - Parameter start: nil if it did not wait, or that was counted.
  func queued(since start: MonotonicTime?) {
    guard let start else { return }
    let end = MonotonicTime.now
    times.withLock { $0.queue += end.nanoseconds - start.nanoseconds }
    spans?.queued(from: start, to: end)
  }

  /// The program of a plugin had the rest of the time.
  func ranInPlugin(until end: MonotonicTime) {
    times.withLock { times in
      times.plugin = max(0, end.nanoseconds - arrival.nanoseconds - times.sum)
    }
  }

  // MARK: Observing

  package func attempted(_ attempt: HTTPAttempt) {
    switch attempt.result {
    case .status(let status): vendors.addRequest(integration: integration, status: status)
    case .error(let kind):
      vendors.addRequest(integration: integration, error: CommandError.kind(of: kind).rawValue)
    }
    spans?.attempted(attempt)
    if log.isEnabled(.debug) { log(attempt) }
    // The invocation waits for a sign-in, which counts as that.
    guard !attempt.isPartOfSignIn else { return }
    let time = attempt.end.nanoseconds - attempt.start.nanoseconds
    times.withLock { $0.vendor += time }
  }

  package func waitsForRateLimit() { vendors.changeWaiting(by: 1) }

  package func waited(_ wait: SendWait) {
    if case .rateLimit(let bucket) = wait.reason {
      vendors.changeWaiting(by: -1)
      vendors.addWait(
        connection: connection, bucket: bucket,
        nanoseconds: wait.end.nanoseconds - wait.start.nanoseconds)
    }
    spans?.waited(wait)
    if log.isEnabled(.debug) { log(wait) }
    guard !wait.isPartOfSignIn else { return }
    times.withLock { $0.add(wait) }
  }
}

extension TraceContext {
  /// The trace of a caller's `traceparent`, or a new one.
  static func of(_ traceparent: String?) -> (TraceContext, isInvalid: Bool) {
    guard let traceparent else { return (TraceContext(), false) }
    if let trace = TraceContext(traceparent: traceparent) { return (trace, false) }
    return (TraceContext(), true)
  }

  static let invalidParentNotice =
    "traceparent is invalid and was ignored; expected a header of W3C Trace Context."
}
