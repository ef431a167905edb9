import Basics
import Delivery
import IntegrationKit
import Synchronization

/// What is known of one invocation while it runs: its trace, its label, and how its time is spent.
package final class InvocationTrail: SendObserver {
  package let trace: TraceContext
  /// Whether the caller's `traceparent` is invalid, so that a trace was made.
  package let hasInvalidParent: Bool
  /// For audit and logs.
  package let label: String?
  /// When its line was read.
  package let arrival: MonotonicTime
  let log: Log
  /// Milliseconds until the start that are logged. Less is no wait, but the work of a busy machine.
  private static let shownMilliseconds = 10
  private let times = Mutex(SpentTimes())

  init(_ options: InvocationOptions, arrival: MonotonicTime, log: Log) {
    self.log = log
    (trace, hasInvalidParent) = TraceContext.of(options.traceparent)
    label = options.label
    self.arrival = arrival
  }

  package var spent: SpentTimes { times.withLock { $0 } }

  /// The notice about an invalid `traceparent`; nil if it is valid or was left out.
  var notice: String? { hasInvalidParent ? TraceContext.invalidParentNotice : nil }

  /// The invocation starts. Until now it waited.
  func started() {
    let time = MonotonicTime.now.nanoseconds - arrival.nanoseconds
    times.withLock { $0.queue += time }
    let milliseconds = SpentTimes.milliseconds(time)
    if milliseconds >= Self.shownMilliseconds { logStart(after: milliseconds) }
  }

  /// It waited for another invocation with the same idempotency key, or for the ledger.
  ///
  /// - Parameter start: nil if it did not wait, or that was counted.
  func queued(since start: MonotonicTime?) {
    guard let start else { return }
    let time = MonotonicTime.now.nanoseconds - start.nanoseconds
    times.withLock { $0.queue += time }
  }

  /// The program of a plugin had the rest of the time.
  func ranInPlugin(until end: MonotonicTime) {
    times.withLock { times in
      times.plugin = max(0, end.nanoseconds - arrival.nanoseconds - times.sum)
    }
  }

  // MARK: Observing

  package func attempted(_ attempt: HTTPAttempt) {
    if log.isEnabled(.debug) { log(attempt) }
    // The invocation waits for a sign-in, which counts as that.
    guard !attempt.isPartOfSignIn else { return }
    let time = attempt.end.nanoseconds - attempt.start.nanoseconds
    times.withLock { $0.vendor += time }
  }

  package func waited(_ wait: SendWait) {
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
