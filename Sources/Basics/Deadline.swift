import Glibc

/// A time on the monotonic clock, in nanoseconds. Adjustments of the wall clock do not affect it.
public struct MonotonicTime: Comparable, Hashable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  public static func < (one: Self, other: Self) -> Bool { one.nanoseconds < other.nanoseconds }

  public func adding(milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds + Int64(milliseconds) * 1_000_000)
  }

  /// Whole milliseconds from `earlier` to `self`. Rounded up, so that no wait ends early.
  public func milliseconds(since earlier: MonotonicTime) -> Int {
    Int((nanoseconds - earlier.nanoseconds + 999_999) / 1_000_000)
  }
}

/// The time by which an operation must be done.
public struct Deadline: Sendable {
  public let time: MonotonicTime

  public init(at time: MonotonicTime) { self.time = time }

  public init(inMilliseconds milliseconds: Int) {
    time = MonotonicTime.now.adding(milliseconds: milliseconds)
  }

  /// Milliseconds until the deadline; 0 if it has passed.
  public var remainingMilliseconds: Int { max(0, time.milliseconds(since: .now)) }

  public var hasPassed: Bool { MonotonicTime.now >= time }

  /// This deadline, but not later than in that many milliseconds.
  package func orEarlier(inMilliseconds milliseconds: Int) -> Deadline {
    let other = Deadline(inMilliseconds: milliseconds)
    return other.time < time ? other : self
  }
}

extension Task where Success == Never, Failure == Never {
  /// Sleeps for `milliseconds` or until the task is cancelled. Does not throw on cancellation: the
  /// caller checks its exit conditions itself.
  public static func pause(milliseconds: Int) async {
    let timer = PoolTimer(at: .now.adding(milliseconds: max(0, milliseconds)))
    // Not Task.sleep, which uses libdispatch: see `TaskPool`.
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        timer.wait(continuation)
        TaskPool.shared.add(timer)
      }
    } onCancel: {
      TaskPool.shared.remove(timer)
      timer.fire()
    }
  }
}
