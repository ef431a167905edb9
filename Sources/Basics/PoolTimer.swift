import Synchronization

/// The end of a pause.
final class PoolTimer: @unchecked Sendable {
  // @unchecked: all variables are guarded by the lock of the pool.
  private enum State {
    case idle
    case waiting(CheckedContinuation<Void, Never>)
    case ended
  }

  /// Called instead of resuming a task.
  private let action: (@Sendable () -> Void)?

  let time: MonotonicTime
  /// Timers of the same time fire in the order of their start.
  fileprivate var number: UInt64 = 0
  /// In the heap.
  fileprivate var position: Int?
  fileprivate var isRemoved = false
  private let state = Mutex(State.idle)

  /// - Parameter action: for a wait that needs no task. It must not block.
  init(at time: MonotonicTime, action: (@Sendable () -> Void)? = nil) {
    self.time = time
    self.action = action
  }

  func wait(_ continuation: CheckedContinuation<Void, Never>) {
    let hasEnded = state.withLock { state in
      if case .ended = state { return true }
      state = .waiting(continuation)
      return false
    }
    if hasEnded { continuation.resume() }
  }

  /// Ends the pause. Must be called without the lock of the pool.
  func fire() {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .ended }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume()
    action?()
  }

  fileprivate func isBefore(_ other: PoolTimer) -> Bool {
    (time.nanoseconds, number) < (other.time.nanoseconds, other.number)
  }
}

/// A binary heap with the next timer first.
struct TimerHeap {
  private var timers: [PoolTimer] = []
  private var count: UInt64 = 0

  var isEmpty: Bool { timers.isEmpty }
  var first: PoolTimer? { timers.first }

  /// - Returns: whether the timer is the next one.
  mutating func insert(_ timer: PoolTimer) -> Bool {
    // Cancelled in the meantime.
    guard !timer.isRemoved else { return false }
    count += 1
    timer.number = count
    timers.append(timer)
    timer.position = timers.count - 1
    moveUp(timers.count - 1)
    return timer.position == 0
  }

  mutating func remove(_ timer: PoolTimer) {
    timer.isRemoved = true
    guard let position = timer.position else { return }
    swap(position, timers.count - 1)
    timers.removeLast()
    timer.position = nil
    if position < timers.count {
      moveUp(position)
      moveDown(position)
    }
  }

  mutating func removeDue(at now: MonotonicTime) -> [PoolTimer] {
    var due: [PoolTimer] = []
    while let timer = timers.first, timer.time <= now {
      remove(timer)
      due.append(timer)
    }
    return due
  }

  private mutating func moveUp(_ start: Int) {
    var position = start
    while position > 0, timers[position].isBefore(timers[(position - 1) / 2]) {
      swap(position, (position - 1) / 2)
      position = (position - 1) / 2
    }
  }

  private mutating func moveDown(_ start: Int) {
    var position = start
    while true {
      var smallest = position
      for child in [2 * position + 1, 2 * position + 2]
      where child < timers.count && timers[child].isBefore(timers[smallest]) {
        smallest = child
      }
      if smallest == position { return }
      swap(position, smallest)
      position = smallest
    }
  }

  private mutating func swap(_ one: Int, _ other: Int) {
    timers.swapAt(one, other)
    timers[one].position = one
    timers[other].position = other
  }
}
