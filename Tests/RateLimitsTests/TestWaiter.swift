import Basics
import RateLimits
import Synchronization
import TestSupport

/// A waiter that accepts reservations by a rule, and waits on a test's clock or not at all.
final class TestWaiter: RateWaiter {
  private let fits: @Sendable (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool
  private let time: TimeSource?
  let latest: Deadline
  /// The waits so far, and whether each was announced.
  let waits = Mutex<[(milliseconds: Int, isAnnounced: Bool)]>([])

  init(
    by latest: Deadline = Deadline(inMilliseconds: 600_000), on time: TimeSource? = nil,
    _ fits: @escaping @Sendable (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool
  ) {
    self.latest = latest
    self.time = time
    self.fits = fits
  }

  static var patient: TestWaiter { TestWaiter { _, _ in true } }
  static var hurried: TestWaiter { TestWaiter { due, now in due <= now } }

  /// One with a deadline on a test's clock.
  convenience init(milliseconds: Int, on clock: TestClock) {
    let latest = clock.source.deadline(inMilliseconds: milliseconds)
    self.init(by: latest, on: clock.source) { due, now in due <= now || due < latest.time }
  }

  func accepts(due: MonotonicTime, now: MonotonicTime) -> Bool { fits(due, now) }
  func startWait(until time: MonotonicTime) -> Bool { true }

  func wait(milliseconds: Int, isAnnounced: Bool, endedBy end: RatePauseEnd?) async -> Bool {
    waits.withLock { $0.append((milliseconds, isAnnounced)) }
    if let time, let end {
      await end.wait(milliseconds: milliseconds, on: time)
    } else {
      await time?.pause(milliseconds: milliseconds)
    }
    return !Task.isCancelled
  }
}
