import Basics

/// Accepts the first response of a consent page, from the browser or pasted, and reports the
/// outcome to the browser.
final class ConsentInbox: Sendable {
  private struct State {
    var answer: ConsentAnswer?
    var isClosed = false
    var isSuccess: Bool?
    /// Browsers that wait for the outcome.
    var waitingBrowsers = 0
  }

  private let state = Monitor(State())

  /// - Parameter expectsOutcome: whether the caller waits for the outcome and then calls
  ///   `outcomeDelivered`.
  /// - Returns: false if a response was already accepted.
  func offer(_ answer: ConsentAnswer, expectsOutcome: Bool) -> Bool {
    defer { state.notify() }
    return state.withLock { state in
      guard state.answer == nil else { return false }
      state.answer = answer
      if expectsOutcome { state.waitingBrowsers += 1 }
      return true
    }
  }

  /// Declares that no response can arrive any more.
  func close() {
    state.withLock { $0.isClosed = true }
    state.notify()
  }

  /// Blocks until there is a response; nil if there is none.
  func answer(until deadline: Deadline) -> ConsentAnswer? {
    let answer = state.wait(until: deadline) { state -> ConsentAnswer?? in
      if let answer = state.answer { return .some(answer) }
      return state.isClosed ? .some(nil) : nil
    }
    return answer ?? nil
  }

  // MARK: Outcome

  /// Blocks until the outcome is known.
  func waitForOutcome() -> Bool { state.wait { $0.isSuccess } ?? false }

  /// Declares that a browser has received the outcome.
  func outcomeDelivered() {
    state.withLock { $0.waitingBrowsers -= 1 }
    state.notify()
  }

  /// Sets the outcome and waits until the browser has received it.
  func settle(isSuccess: Bool, until deadline: Deadline) {
    state.withLock { $0.isSuccess = isSuccess }
    state.notify()
    _ = state.wait(until: deadline) { $0.waitingBrowsers == 0 ? true : nil }
  }
}
