import Synchronization

/// A counting semaphore for tasks. Waiters acquire slots in order of arrival.
package final class TaskSemaphore: Sendable {
  private struct State {
    var free: Int
    var queue: [Latch] = []
  }

  private let state: Mutex<State>

  package init(_ slots: Int) {
    precondition(slots > 0, "a semaphore needs at least one slot")
    state = Mutex(State(free: slots))
  }

  /// Acquires a slot if one is free. Release it with `release`.
  package func tryAcquire() -> Bool {
    state.withLock { state in
      guard state.free > 0 else { return false }
      state.free -= 1
      return true
    }
  }

  /// Waits for a slot and acquires it. Release it with `release`.
  ///
  /// - Returns: false if the task was cancelled or the deadline passed first.
  package func acquire(until deadline: Deadline, on time: TimeSource = .system) async -> Bool {
    let latch = state.withLock { state -> Latch? in
      if state.free > 0 {
        state.free -= 1
        return nil
      }
      let latch = Latch()
      state.queue.append(latch)
      return latch
    }
    guard let latch else { return true }
    if await latch.wait(on: time, untilLatestOf: { deadline }) { return true }
    state.withLock { state in state.queue.removeAll { $0 === latch } }
    return false
  }

  package func release() {
    while true {
      let next = state.withLock { state -> Latch? in
        if state.queue.isEmpty {
          state.free += 1
          return nil
        }
        return state.queue.removeFirst()
      }
      // If the waiter has given up, the slot goes to the next one.
      guard let next, !next.signal() else { return }
    }
  }
}
