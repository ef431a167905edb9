import Basics

/// Counts the requests under way and lets only so many in.
///
/// A place is taken when a request is accepted and given back when its answer has been handed to
/// the system, so that answers nobody reads hold the reading of further requests up, too.
final class Admission: Sendable {
  private struct State {
    var inFlight = 0
    var isClosed = false
  }

  private let maximum: Int
  private let monitor = Monitor(State())

  init(maximum: Int) { self.maximum = maximum }

  var inFlight: Int { monitor.withLock { $0.inFlight } }

  /// Blocks the reading thread until there is a place.
  ///
  /// - Returns: false when nothing more is let in.
  func enter() -> Bool {
    monitor.wait { state -> Bool? in
      if state.isClosed { return false }
      guard state.inFlight < self.maximum else { return nil }
      state.inFlight += 1
      return true
    } ?? false
  }

  func leave(_ count: Int = 1) {
    guard count > 0 else { return }
    monitor.withLock { state in
      state.inFlight -= count
      precondition(state.inFlight >= 0, "a request was answered twice")
    }
    monitor.notify()
  }

  /// Lets nothing more in, and wakes whoever waits for a place.
  func close() {
    monitor.withLock { $0.isClosed = true }
    monitor.notify()
  }

  /// Blocks until everything that was let in has left.
  ///
  /// - Returns: whether it has, by then.
  func waitUntilEmpty(
    until deadline: Deadline?, orWhen hurry: @escaping @Sendable () -> Bool
  ) -> Bool {
    monitor.wait(until: deadline) { state -> Bool? in
      if state.inFlight == 0 { return true }
      return hurry() ? false : nil
    } ?? false
  }

  /// Makes `waitUntilEmpty` look at its condition again.
  func wake() { monitor.notify() }
}
