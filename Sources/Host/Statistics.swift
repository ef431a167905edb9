import Basics
import JSON
import Synchronization

/// Counts of one host since it started.
final class Statistics: Sendable {
  let lines = Atomic(0)
  let results = Atomic(0)
  let errors = Atomic(0)
  let notifications = Atomic(0)
  private let start = MonotonicTime.now

  func count(_ counter: borrowing Atomic<Int>) { counter.add(1, ordering: .relaxed) }

  func count(_ answer: AnswerKind) {
    if answer == .error { count(errors) } else { count(results) }
  }

  func write(inFlight: Int, to writer: inout JSONWriter) {
    writer.object {
      $0.member("uptime_ms", MonotonicTime.now.milliseconds(since: start))
      $0.member("lines", lines.load(ordering: .relaxed))
      $0.member("results", results.load(ordering: .relaxed))
      $0.member("errors", errors.load(ordering: .relaxed))
      $0.member("notifications", notifications.load(ordering: .relaxed))
      $0.member("in_flight", inFlight)
    }
  }
}
