import Basics
import RateLimits
import Synchronization

/// The deadline of an invocation.
///
/// A deadline that the caller gave is fixed. Otherwise a time for the work applies, and waits for rate
/// limits are added to it.
package final class InvocationDeadline: Sendable {
  /// Milliseconds of work if the caller gave no deadline.
  package static let workMilliseconds = 60_000

  package let isGiven: Bool
  private let workMilliseconds: Int
  /// The deadline of the whole command if this one belongs to a target: it is never earlier.
  private let whole: InvocationDeadline?
  private let nanoseconds: Atomic<Int64>

  /// - Parameter given: nil if waits for rate limits are to be added to `workMilliseconds`.
  package init(
    _ given: Deadline?, workMilliseconds: Int = InvocationDeadline.workMilliseconds,
    on time: TimeSource = .system
  ) {
    isGiven = given != nil
    whole = nil
    self.workMilliseconds = workMilliseconds
    let first = given ?? time.deadline(inMilliseconds: workMilliseconds)
    nanoseconds = Atomic(first.time.nanoseconds)
  }

  /// The deadline of a part that starts now, of an invocation without a given deadline.
  init(partOf whole: InvocationDeadline, on time: TimeSource) {
    isGiven = false
    self.whole = whole
    workMilliseconds = whole.workMilliseconds
    let first = time.deadline(inMilliseconds: workMilliseconds).time.nanoseconds
    nanoseconds = Atomic(first)
    whole.nanoseconds.max(first, ordering: .relaxed)
  }

  /// The deadline as of now: the latest that the parts of the invocation have moved it to.
  package var current: Deadline {
    Deadline(at: MonotonicTime(nanoseconds: nanoseconds.load(ordering: .relaxed)))
  }

  /// The deadline of a caller that waits for `other`: not before that of `other`, unless it was given.
  package func orLater(_ other: InvocationDeadline) -> Deadline {
    isGiven ? current : Deadline(at: max(current.time, other.current.time))
  }

  /// What a wait must leave of a given deadline for the request after it: 50 ms, or a twentieth of a
  /// short deadline. A request that is sent in the last moment ends in a timeout, which says nothing
  /// about the rate limit.
  private static func reserve(ofMilliseconds left: Int) -> Int { min(50, left / 20) }

  /// Whether it leaves room for a wait for a rate limit until `time`, which is an hour at most.
  package func allows(waitUntil time: MonotonicTime, now: MonotonicTime) -> Bool {
    guard time > now else { return true }
    return time.milliseconds(since: now) <= RateLimiter.maximumWaitMilliseconds
      && (!isGiven || leavesRoom(after: time, now: now))
  }

  private func leavesRoom(after time: MonotonicTime, now: MonotonicTime) -> Bool {
    let end = current.time
    let reserve = Self.reserve(ofMilliseconds: end.milliseconds(since: now))
    return time.adding(milliseconds: reserve) < end
  }

  /// Grants the whole time for the work after `time`, unless the deadline was given.
  package func extend(pastWaitUntil time: MonotonicTime) {
    guard !isGiven else { return }
    nanoseconds.max(time.adding(milliseconds: workMilliseconds).nanoseconds, ordering: .relaxed)
    whole?.extend(pastWaitUntil: time)
  }
}
