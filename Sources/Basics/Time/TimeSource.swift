/// The clock that retries, rate limits and deadlines read and sleep on.
///
/// It is passed as a value, so that their tests advance a clock by hand instead of waiting. The
/// system's case is a direct call: no allocation, no dynamic dispatch.
package enum TimeSource: Sendable {
  case system
  case custom(any CustomTime)

  /// Monotonic time.
  package var now: MonotonicTime {
    switch self {
    case .system: .now
    case .custom(let time): time.now
    }
  }

  /// Time of day, in milliseconds since 1970-01-01T00:00:00Z.
  package var wallMilliseconds: Int64 {
    switch self {
    case .system: WallClock.nowMilliseconds
    case .custom(let time): time.wallMilliseconds
    }
  }

  /// Suspends the task for that long or until it is cancelled. Cancellation is not an error here.
  package func pause(milliseconds: Int) async {
    switch self {
    case .system: await Task.pause(milliseconds: milliseconds)
    case .custom(let time): await time.pause(milliseconds: milliseconds)
    }
  }

  package func deadline(inMilliseconds milliseconds: Int) -> Deadline {
    Deadline(at: now.adding(milliseconds: milliseconds))
  }

  /// Milliseconds until `deadline`, 0 when it has passed.
  package func milliseconds(until deadline: Deadline) -> Int {
    max(0, deadline.time.milliseconds(since: now))
  }
}

/// A clock of a test.
package protocol CustomTime: AnyObject, Sendable {
  var now: MonotonicTime { get }
  var wallMilliseconds: Int64 { get }
  func pause(milliseconds: Int) async
}
