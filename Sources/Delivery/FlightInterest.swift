import Synchronization

/// Whether a caller still waits for a flight (see `SingleFlight`), and what the flight waits for.
///
/// A sign-in goes on when its callers have left, since its result serves the next one. What only
/// costs until then, such as a running program, ends itself here.
package final class FlightInterest: Sendable {
  /// Of the flight that this task belongs to.
  @TaskLocal package static var current: FlightInterest?

  private struct State {
    var isAbandoned = false
    var actions: [@Sendable () -> Void] = []
    var obstacle: CommandError?
  }

  private let state = Mutex(State())

  /// Of the caller that started the flight.
  let observer: (any SendObserver)?

  package init(observer: (any SendObserver)? = nil) { self.observer = observer }

  package var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

  /// The error of a caller whose deadline passes now; nil if the flight waits for nothing in
  /// particular.
  package var obstacle: CommandError? { state.withLock { $0.obstacle } }

  package func setObstacle(_ obstacle: CommandError?) {
    state.withLock { $0.obstacle = obstacle }
  }

  /// Runs `action` when the last caller has left; at once if that has happened.
  package func whenAbandoned(_ action: @escaping @Sendable () -> Void) {
    let isAbandoned = state.withLock { state in
      if !state.isAbandoned { state.actions.append(action) }
      return state.isAbandoned
    }
    if isAbandoned { action() }
  }

  func abandon() {
    let actions = state.withLock { state in
      defer { state.actions = [] }
      state.isAbandoned = true
      return state.actions
    }
    for action in actions { action() }
  }
}
