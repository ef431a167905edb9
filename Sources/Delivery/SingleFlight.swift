import Basics
import Synchronization

/// A value that is expensive to get and that many callers need, such as an access token: one of them
/// starts the flight that gets it, and all wait for that one.
package final class SingleFlight<Value: Sendable>: Sendable {
  package struct Holding: Sendable {
    package let value: Value
    /// Grows with each flight; identifies the value that turned out stale.
    package let generation: Int
  }

  private struct State {
    var holding: Holding?
    var generation = 0
    /// Of the current flight; nil if there is none.
    var interest: FlightInterest?
    var waiters: [Waiter] = []
    /// When the rate limit lets the current flight continue, if it waits for one.
    var resumesAt: MonotonicTime?
  }

  private struct Waiter {
    let sender: Sender
    let latch: Latch
    let result: Box
  }

  /// The result that a waiter finds after its latch.
  private final class Box: Sendable {
    let result = Mutex<Result<Holding, CommandError>?>(nil)
  }

  private enum Turn {
    case take(Holding)
    case fly(Value?, FlightInterest)
    case wait(FlightInterest)
    case fail(CommandError)
  }

  private let state = Mutex(State())

  package init() {}

  /// The value at hand, fresh or not.
  package var current: Value? { state.withLock { $0.holding?.value } }

  /// The value at hand, unless it did not work.
  package func holding(insteadOf stale: Holding? = nil) -> Holding? {
    state.withLock { $0.holding.flatMap { $0.generation == stale?.generation ? nil : $0 } }
  }

  /// The value at hand, or the result of `get`. Of concurrent callers, one runs it.
  ///
  /// The flight is a separate task: a caller that gives up does not end it for the others. When the
  /// last one gives up, the flight's `FlightInterest` ends.
  ///
  /// - Parameter stale: the holding that did not work. It is replaced unless another caller has done
  ///   so before.
  package func value(
    insteadOf stale: Holding? = nil, in sender: Sender,
    _ get: @escaping @Sendable (Value?) async throws(CommandError) -> Value
  ) async throws(CommandError) -> Holding {
    if let holding = holding(insteadOf: stale) { return holding }
    let box = Box()
    let latch = Latch()
    let turn = state.withLock { state -> Turn in
      if let holding = state.holding, holding.generation != stale?.generation {
        return .take(holding)
      }
      if let error = Self.refusal(of: sender, waitingUntil: state.resumesAt) {
        return .fail(error)
      }
      state.waiters.append(Waiter(sender: sender, latch: latch, result: box))
      if let interest = state.interest { return .wait(interest) }
      let interest = FlightInterest(observer: sender.observer)
      state.interest = interest
      return .fly(state.holding?.value, interest)
    }
    let interest: FlightInterest
    var isShared = false
    switch turn {
    case .take(let holding): return holding
    case .fly(let old, let own):
      interest = own
      Task.detached { await self.fly(old, get) }
    case .wait(let other):
      interest = other
      isShared = true
    case .fail(let error): throw error
    }
    // A flight inside another one: without callers of the outer one it has none either.
    FlightInterest.current?.whenAbandoned { [weak self] in
      self?.leave(box)?.signal()
    }
    let start = sender.time.now
    defer { sender.observe(.signIn(isShared: isShared), since: start) }
    guard await latch.wait(on: sender.time, untilLatestOf: { sender.deadline.current }) else {
      let obstacle = Task.isCancelled ? nil : interest.obstacle
      leave(box)
      throw obstacle ?? sender.stopped("Signing in", outcome: .notApplied)
    }
    guard let result = box.result.withLock({ $0 }) else {
      preconditionFailure("a latch was signalled without a result")
    }
    return try result.get()
  }

  /// Ends the wait of a caller that gives up.
  ///
  /// - Returns: its latch, to be signalled; nil if it has its result.
  @discardableResult
  private func leave(_ box: Box) -> Latch? {
    let (latch, abandoned) = state.withLock { state -> (Latch?, FlightInterest?) in
      guard let position = state.waiters.firstIndex(where: { $0.result === box }) else {
        return (nil, nil)
      }
      box.result.withLock { $0 = .failure(.cancelled(outcome: .notApplied)) }
      let latch = state.waiters.remove(at: position).latch
      return (latch, state.waiters.isEmpty ? state.interest : nil)
    }
    abandoned?.abandon()
    return latch
  }

  /// Called when the current flight has to wait for a rate limit until `time`: callers that cannot
  /// wait that long fail fast.
  ///
  /// - Returns: whether a caller is left.
  package func mayWait(until time: MonotonicTime) -> Bool {
    let (late, goesOn) = state.withLock { state in
      var late: [Waiter] = []
      state.waiters.removeAll { waiter in
        guard let error = Self.refusal(of: waiter.sender, waitingUntil: time) else {
          return false
        }
        waiter.result.result.withLock { $0 = .failure(error) }
        late.append(waiter)
        return true
      }
      state.resumesAt = time
      return (late, !state.waiters.isEmpty)
    }
    for waiter in late { waiter.latch.signal() }
    return goesOn
  }

  private static func refusal(
    of sender: Sender, waitingUntil time: MonotonicTime?
  ) -> CommandError? {
    guard let time else { return nil }
    let now = sender.time.now
    guard !sender.canWait(until: time, now: now) else { return nil }
    return sender.rateLimited(milliseconds: time.milliseconds(since: now))
  }

  private func fly(
    _ old: Value?, _ get: @Sendable (Value?) async throws(CommandError) -> Value
  ) async {
    while true {
      let interest = state.withLock { $0.interest }
      let result = await FlightInterest.$current.withValue(interest) { await outcome(old, get) }
      if land(result) { return }
    }
  }

  private func outcome(
    _ old: Value?, _ get: @Sendable (Value?) async throws(CommandError) -> Value
  ) async -> Result<Value, CommandError> {
    do throws(CommandError) {
      return .success(try await get(old))
    } catch {
      return .failure(error)
    }
  }

  /// Gives the result to all who wait.
  ///
  /// - Returns: false if the flight failed for want of callers, and one has come since: it needs
  ///   another flight.
  private func land(_ result: Result<Value, CommandError>) -> Bool {
    let landed = state.withLock { state -> ([Waiter], Result<Holding, CommandError>)? in
      if case .failure(let error) = result, error.kind == .cancelled,
        state.interest?.isAbandoned == true, !state.waiters.isEmpty
      {
        state.interest = FlightInterest(observer: state.waiters.first?.sender.observer)
        return nil
      }
      state.interest = nil
      state.resumesAt = nil
      state.generation += 1
      let answer = result.map { Holding(value: $0, generation: state.generation) }
      state.holding = try? answer.get()
      defer { state.waiters = [] }
      return (state.waiters, answer)
    }
    guard let (waiters, answer) = landed else { return false }
    for waiter in waiters {
      waiter.result.result.withLock { $0 = answer }
      waiter.latch.signal()
    }
    return true
  }
}
