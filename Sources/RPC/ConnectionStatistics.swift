import Basics
import JSON
import Synchronization

/// Counts of one connection since it started.
final class ConnectionStatistics: Sendable {
  let lines = Atomic(0)
  let notifications = Atomic(0)
  private let results = Atomic(0)
  private let errors = Atomic(0)
  private let start = MonotonicTime.now

  func count(_ counter: borrowing Atomic<Int>) { counter.add(1, ordering: .relaxed) }

  func count(_ status: ResponseStatus) {
    if status == .failed { count(errors) } else { count(results) }
  }

  func write(inFlight: Int, parked: Int, to writer: inout JSONWriter) {
    writer.object {
      $0.member("uptime_ms", MonotonicTime.now.milliseconds(since: start))
      $0.member("lines", lines.load(ordering: .relaxed))
      $0.member("results", results.load(ordering: .relaxed))
      $0.member("errors", errors.load(ordering: .relaxed))
      $0.member("notifications", notifications.load(ordering: .relaxed))
      $0.member("in_flight", inFlight)
      $0.member("parked", parked)
    }
  }
}
