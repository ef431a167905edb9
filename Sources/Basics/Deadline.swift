import Glibc

/// Time on the monotonic clock, which no clock adjustment moves. Nanoseconds.
package struct MonotonicTime: Comparable, Hashable, Sendable {
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  package static func < (one: Self, other: Self) -> Bool { one.nanoseconds < other.nanoseconds }

  package func adding(milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds + Int64(milliseconds) * 1_000_000)
  }

  /// Whole milliseconds from `earlier` to this, rounded up so that a wait is never cut short.
  package func milliseconds(since earlier: MonotonicTime) -> Int {
    Int((nanoseconds - earlier.nanoseconds + 999_999) / 1_000_000)
  }
}

/// The moment by which something must have answered.
package struct Deadline: Sendable {
  package let time: MonotonicTime

  package init(at time: MonotonicTime) { self.time = time }

  package init(inMilliseconds milliseconds: Int) {
    time = MonotonicTime.now.adding(milliseconds: milliseconds)
  }

  /// Milliseconds left, 0 when it has passed.
  package var remainingMilliseconds: Int { max(0, time.milliseconds(since: .now)) }

  package var hasPassed: Bool { MonotonicTime.now >= time }
}

extension Task where Success == Never, Failure == Never {
  /// Suspends for that long or until the task is cancelled; cancellation is not an error here,
  /// whoever sleeps looks at its own reasons to go on.
  package static func pause(milliseconds: Int) async {
    try? await Task.sleep(nanoseconds: UInt64(max(0, milliseconds)) * 1_000_000)
  }
}
