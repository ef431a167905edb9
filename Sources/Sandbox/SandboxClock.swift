import Basics

/// The clock of the emulated vendors: the machine's time plus the advance by tests.
final class SandboxClock: Sendable {
  private struct State {
    var leadMilliseconds = 0
    var resets = 0
  }

  private let state = Monitor(State())

  /// Since 1970.
  var nowMilliseconds: Int { Self.now(state.withLock { $0 }) }

  /// In seconds since 1970.
  var now: Int { nowMilliseconds / 1_000 }

  func advance(seconds: Int) {
    state.withLock { $0.leadMilliseconds += seconds * 1_000 }
    state.notify()
  }

  func reset() {
    state.withLock { state in
      state.leadMilliseconds = 0
      state.resets += 1
    }
    state.notify()
  }

  /// Blocks until the clock reaches `moment`, by time or by an advance. A reset ends the wait.
  func wait(untilMilliseconds moment: Int) {
    let start = state.withLock { $0 }
    let left = moment - Self.now(start)
    guard left > 0 else { return }
    _ = state.wait(until: Deadline(inMilliseconds: left)) { state in
      state.resets != start.resets || Self.now(state) >= moment ? true : nil
    }
  }

  private static func now(_ state: State) -> Int {
    Int(WallClock.nowMilliseconds) + state.leadMilliseconds
  }
}
