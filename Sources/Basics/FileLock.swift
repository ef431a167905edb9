import Glibc

/// An advisory lock (flock(2)) on an open file, shared with other processes.
package enum FileLock {
  /// Milliseconds between two attempts: from the first to the longest pause.
  private static let firstPauseMilliseconds = 1
  private static let longestPauseMilliseconds = 20

  package enum Failure: Error, Equatable, Sendable {
    /// Another process holds the lock beyond the deadline.
    case busy
    /// Another process holds the lock for longer than the caller's patience.
    case held
    case cancelled
    case system(code: Int32)
  }

  /// Takes the lock if it is free. Never blocks.
  ///
  /// - Returns: 0, `EWOULDBLOCK` if another process holds it, or another errno.
  package static func tryLock(_ descriptor: Int32) -> Int32 {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno != EINTR { return errno }
    }
    return 0
  }

  /// Takes the lock, and suspends the task while another process holds it.
  ///
  /// It polls: flock(2) has no timeout, and a thread that waits in it cannot be called back.
  ///
  /// - Parameter patienceMilliseconds: the sum of the pauses between attempts after which the lock
  ///   counts as held; nil for no such limit. It is not measured by the clock: a task that the system
  ///   wakes late has not seen the lock held meanwhile.
  package static func lock(
    _ descriptor: Int32, until deadline: Deadline, patienceMilliseconds: Int? = nil
  ) async throws(Failure) {
    var pause = firstPauseMilliseconds
    var waited = 0
    while true {
      let code = tryLock(descriptor)
      if code == 0 { return }
      guard code == EWOULDBLOCK else { throw .system(code: code) }
      if Task.isCancelled { throw .cancelled }
      let remaining = deadline.remainingMilliseconds
      guard remaining > 0 else { throw .busy }
      if let patienceMilliseconds, waited >= patienceMilliseconds { throw .held }
      await Task.pause(milliseconds: min(pause, remaining))
      waited += pause
      pause = min(2 * pause, longestPauseMilliseconds)
    }
  }

  package static func unlock(_ descriptor: Int32) { flock(descriptor, LOCK_UN) }
}
