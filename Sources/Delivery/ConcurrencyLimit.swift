import Basics

/// How many requests of a connection may be in flight; without a maximum, any number.
package struct ConcurrencyLimit: Sendable {
  /// Nil for no limit.
  package let maximum: Int?
  private let semaphore: TaskSemaphore?

  /// - Parameter maximum: nil for no limit.
  package init(_ maximum: Int?) {
    self.maximum = maximum
    semaphore = maximum.map { TaskSemaphore($0) }
  }

  var isLimited: Bool { semaphore != nil }

  /// Acquires a slot if one is free.
  func tryAcquire() -> Bool { semaphore?.tryAcquire() ?? true }

  /// - Returns: false if the deadline passed or the task was cancelled first.
  func acquire(until deadline: Deadline, on time: TimeSource) async -> Bool {
    guard let semaphore else { return true }
    return await semaphore.acquire(until: deadline, on: time)
  }

  func release() { semaphore?.release() }
}
