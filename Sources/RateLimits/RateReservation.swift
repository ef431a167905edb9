import Basics

/// Requests that are counted in a rate bucket and sent at once, now or at a later time.
package struct RateReservation: Sendable {
  /// Nil if nothing is counted; there is no limit then either.
  let bucket: SharedRateBucket?
  let limit: RateLimit?
  package let due: MonotonicTime
  let count: Int
  /// Ends the wait for it early; nil if nothing is waited for.
  let pauseEnd: RatePauseEnd?

  /// Releases it, for the next request. Never waits.
  package func release() { bucket?.submit { [due, count] in $0.release(due, count) } }
}

/// Why a request may not be sent.
package enum RateDenial: Error, Sendable {
  /// The next request would be due after the deadline.
  case tooLate(milliseconds: Int)
  case cancelled
}

/// A request that waits for a rate limit.
package protocol RateWaiter: Sendable {
  /// Its deadline as of now.
  var latest: Deadline { get }

  /// Whether the time that a reservation is due suits its deadline. Called with a lock: must not wait.
  func accepts(due: MonotonicTime, now: MonotonicTime) -> Bool

  /// Called before a wait.
  ///
  /// - Returns: false if it cannot wait that long.
  func startWait(until time: MonotonicTime) -> Bool

  /// Called after the bucket was asked, which may take long if another process holds its file.
  func asked(since start: MonotonicTime)

  /// Waits.
  ///
  /// - Parameters:
  ///   - isAnnounced: whether the caller gets a notification of it.
  ///   - end: what ends the wait early.
  /// - Returns: false if the task was cancelled.
  func wait(milliseconds: Int, isAnnounced: Bool, endedBy end: RatePauseEnd?) async -> Bool
}

extension RateWaiter {
  package func asked(since start: MonotonicTime) {}
}
