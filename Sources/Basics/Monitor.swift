import Glibc

/// State that threads share and wait on: one lock and one condition variable.
///
/// For threads only. A task must wait with a continuation: a blocked thread of the task pool would
/// stop other tasks.
package final class Monitor<State>: @unchecked Sendable {
  // @unchecked: `state` is accessed only with `mutex` held.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: sending State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    condition = .allocate(capacity: 1)
    condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` with the lock held. After a change that other threads wait for, call `notify`.
  @inline(__always)
  package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Wakes all waiting threads, which check their conditions again.
  package func notify() { pthread_cond_broadcast(condition) }

  /// Blocks until `body` returns a value or the deadline passes. Returns nil after the deadline.
  package func wait<Result>(
    until deadline: Deadline? = nil, for body: (inout State) -> Result?
  ) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      if deadline.hasPassed { return nil }
      var until = timespec(
        tv_sec: Int(deadline.time.nanoseconds / 1_000_000_000),
        tv_nsec: Int(deadline.time.nanoseconds % 1_000_000_000))
      pthread_cond_timedwait(condition, mutex, &until)
    }
  }
}
