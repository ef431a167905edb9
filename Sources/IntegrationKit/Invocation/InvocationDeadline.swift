import Basics
import RateLimits
import Synchronization

/// By when an invocation must have answered.
///
/// One that the caller gave is fixed. Else there is a time for the work, and what is waited for rate
/// limits comes on top.
public final class InvocationDeadline: Sendable {
  /// Milliseconds of work where the caller gave no deadline.
  public static let workMilliseconds = 60_000

  public let isGiven: Bool
  private let workMilliseconds: Int
  /// That of the command, where this is the deadline of one of its targets: it is never earlier.
  private let whole: InvocationDeadline?
  private let nanoseconds: Atomic<Int64>

  /// - Parameter given: nil when waiting for rate limits is to come on top of `workMilliseconds`.
  init(_ given: Deadline?, workMilliseconds: Int = InvocationDeadline.workMilliseconds) {
    isGiven = given != nil
    whole = nil
    self.workMilliseconds = workMilliseconds
    let first = given ?? Deadline(inMilliseconds: workMilliseconds)
    nanoseconds = Atomic(first.time.nanoseconds)
  }

  /// One that begins now, of a part of what has no given deadline.
  init(partOf whole: InvocationDeadline) {
    isGiven = false
    self.whole = whole
    workMilliseconds = whole.workMilliseconds
    let first = Deadline(inMilliseconds: workMilliseconds).time.nanoseconds
    nanoseconds = Atomic(first)
    whole.nanoseconds.max(first, ordering: .relaxed)
  }

  /// As it stands now; the latest of what the parts of the invocation have moved it to.
  public var current: Deadline {
    Deadline(at: MonotonicTime(nanoseconds: nanoseconds.load(ordering: .relaxed)))
  }

  /// Of one who waits for what `other` does: its own, and where none was given not before that one's.
  public func orLater(_ other: InvocationDeadline) -> Deadline {
    isGiven ? current : Deadline(at: max(current.time, other.current.time))
  }

  /// Whether a rate limit may be waited for until `time`.
  func allows(waitUntil time: MonotonicTime, now: MonotonicTime) -> Bool {
    time <= now
      || (isGiven
        ? time < current.time
        : time.milliseconds(since: now) <= RateLimiter.maximumWaitMilliseconds)
  }

  /// Leaves the whole time for the work after a wait until `time`, unless the deadline was given.
  func move(pastWaitUntil time: MonotonicTime) {
    guard !isGiven else { return }
    nanoseconds.max(time.adding(milliseconds: workMilliseconds).nanoseconds, ordering: .relaxed)
    whole?.move(pastWaitUntil: time)
  }
}
