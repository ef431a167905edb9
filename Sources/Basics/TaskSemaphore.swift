import Synchronization

/// Lets a number of tasks through at a time, in the order in which they came.
package final class TaskSemaphore: Sendable {
  private struct State {
    var free: Int
    var queue: [Latch] = []
  }

  private let state: Mutex<State>

  package init(_ slots: Int) {
    precondition(slots > 0, "a semaphore that lets nothing through")
    state = Mutex(State(free: slots))
  }

  /// Takes a slot when there is a free one, which `release` gives back.
  package func tryAcquire() -> Bool {
    state.withLock { state in
      guard state.free > 0 else { return false }
      state.free -= 1
      return true
    }
  }

  /// Takes a slot, which `release` gives back.
  ///
  /// - Returns: false when the task was cancelled or the deadline passed first.
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
      // A latch that was given up meanwhile passes its turn on.
      guard let next, !next.signal() else { return }
    }
  }
}
