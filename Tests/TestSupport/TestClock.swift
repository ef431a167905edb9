import Basics
import Synchronization

/// A clock that a test advances by hand.
package final class TestClock: CustomTime {
  private struct Sleeper {
    let wakes: MonotonicTime
    let latch: Latch
  }

  private struct State {
    var now: MonotonicTime
    var wallMilliseconds: Int64
    var sleepers: [Sleeper] = []
  }

  /// The start. Not before the system's time, so that deadlines that it makes have not passed.
  package let start: MonotonicTime
  private let state: Mutex<State>

  package init() {
    start = .now
    state = Mutex(State(now: start, wallMilliseconds: WallClock.nowMilliseconds))
  }

  package var source: TimeSource { .custom(self) }
  package var now: MonotonicTime { state.withLock { $0.now } }
  package var wallMilliseconds: Int64 { state.withLock { $0.wallMilliseconds } }
  /// Milliseconds since the start.
  package var elapsed: Int { now.milliseconds(since: start) }

  package func pause(milliseconds: Int) async {
    guard milliseconds > 0 else { return }
    let latch = Latch()
    state.withLock { state in
      state.sleepers.append(
        Sleeper(wakes: state.now.adding(milliseconds: milliseconds), latch: latch))
    }
    _ = await latch.wait()
    state.withLock { state in state.sleepers.removeAll { $0.latch === latch } }
  }

  /// Moves the time and wakes the tasks whose pauses are over, in the order of their ends.
  package func advance(milliseconds: Int) {
    let woken = state.withLock { state -> [Sleeper] in
      state.now = state.now.adding(milliseconds: milliseconds)
      state.wallMilliseconds += Int64(milliseconds)
      let now = state.now
      let woken = state.sleepers.filter { $0.wakes <= now }
      state.sleepers.removeAll { $0.wakes <= now }
      return woken.sorted { $0.wakes < $1.wakes }
    }
    for sleeper in woken { sleeper.latch.signal() }
  }

  /// The pauses that are not over, in milliseconds from now, shortest first.
  package var pauses: [Int] {
    state.withLock { state in
      state.sleepers.map { $0.wakes.milliseconds(since: state.now) }.sorted()
    }
  }

  /// Returns once a task pauses for a time in `range`, counted from now.
  ///
  /// - Returns: the time; nil if no task does so within two minutes of real time.
  package func nextPause(in range: ClosedRange<Int>) async -> Int? {
    let latest = Deadline(inMilliseconds: 120_000)
    while !latest.hasPassed {
      if let pause = pauses.first(where: { range.contains($0) }) { return pause }
      // No Task.yield: a task that yields in a loop can starve those of a lower priority.
      await Task.pause(milliseconds: 1)
    }
    return nil
  }
}
