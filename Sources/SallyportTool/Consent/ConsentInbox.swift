import Basics

/// Takes the first answer of a consent page, whichever way it comes, and tells who brought it what
/// became of it.
final class ConsentInbox: Sendable {
  private struct State {
    var answer: ConsentAnswer?
    var isOver = false
    var isGood: Bool?
    /// Browsers that are yet to be told.
    var untold = 0
  }

  private let state = Monitor(State())

  /// - Parameter isTold: whether who brings it waits for the outcome, and calls `told` in the end.
  /// - Returns: false when there was one already.
  func offer(_ answer: ConsentAnswer, isTold: Bool) -> Bool {
    defer { state.notify() }
    return state.withLock { state in
      guard state.answer == nil else { return false }
      state.answer = answer
      if isTold { state.untold += 1 }
      return true
    }
  }

  /// No answer comes any more.
  func end() {
    state.withLock { $0.isOver = true }
    state.notify()
  }

  /// Blocks until there is an answer; nil when none comes.
  func answer(until deadline: Deadline) -> ConsentAnswer? {
    let answer = state.wait(until: deadline) { state -> ConsentAnswer?? in
      if let answer = state.answer { return .some(answer) }
      return state.isOver ? .some(nil) : nil
    }
    return answer ?? nil
  }

  // MARK: Telling the browser

  /// Blocks until it is known whether the answer was good.
  func waitForOutcome() -> Bool { state.wait { $0.isGood } ?? false }

  /// The browser has been told.
  func told() {
    state.withLock { $0.untold -= 1 }
    state.notify()
  }

  /// Says whether the answer was good, and waits until the browser knows it.
  func settle(isGood: Bool, until deadline: Deadline) {
    state.withLock { $0.isGood = isGood }
    state.notify()
    _ = state.wait(until: deadline) { $0.untold == 0 ? true : nil }
  }
}
