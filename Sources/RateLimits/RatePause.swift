import Basics

/// A pause of a bucket after a refusal.
package struct RatePause: Sendable {
  package let milliseconds: Int
  /// Nil if nothing is paused.
  package let end: RatePauseEnd?

  package static let none = RatePause(milliseconds: 0, end: nil)
}

/// The early end of a bucket's pause, by `RateLimiter.endPauses`.
///
/// Made before the pause is looked at, so that an end between that and the wait is not missed.
package struct RatePauseEnd: Sendable {
  let bucket: SharedRateBucket
  /// How often pauses of the bucket were ended before.
  let count: Int

  /// Waits for that long, or until the pause is ended, or the task is cancelled.
  package func wait(milliseconds: Int, on time: TimeSource) async {
    let latch = Latch()
    guard bucket.addSleeper(latch, after: count) else { return }
    let latest = time.deadline(inMilliseconds: milliseconds)
    _ = await latch.wait(on: time, untilLatestOf: { latest })
    bucket.removeSleeper(latch)
  }
}
