import Basics
import Synchronization

/// A value that is expensive to get and that many want at once, such as an access token: one gets
/// it, the others wait for that one.
public final class SingleFlight<Value: Sendable>: Sendable {
  public struct Holding: Sendable {
    public let value: Value
    /// Counts how often the value was got; names the one that turned out stale.
    public let generation: Int
  }

  private struct State {
    var holding: Holding?
    var generation = 0
    var isFlying = false
    var waiters: [Waiter] = []
    /// When the rate limit lets the flight go on that waits for it.
    var resumesAt: MonotonicTime?
  }

  private struct Waiter {
    let invocation: Invocation
    let latch: Latch
    let answer: Box
  }

  /// Where a waiter finds its answer after its latch.
  private final class Box: Sendable {
    let result = Mutex<Result<Holding, CommandError>?>(nil)
  }

  /// What a caller that asks for the value does.
  private enum Turn {
    case have(Holding)
    case fly(Value?)
    case wait
    case tooLate(CommandError)
  }

  private let state = Mutex(State())

  public init() {}

  /// The value at hand, fresh or not.
  public var current: Value? { state.withLock { $0.holding?.value } }

  /// The value at hand, or else the one that `get` brings; of many callers one runs it.
  ///
  /// The flight is a task of its own: a caller that gives up does not end it for the others.
  ///
  /// - Parameters:
  ///   - stale: the holding that did not work; it is replaced unless somebody has already done so.
  public func value(
    insteadOf stale: Holding? = nil, in invocation: Invocation,
    _ get: @escaping @Sendable (Value?) async throws(CommandError) -> Value
  ) async throws(CommandError) -> Holding {
    let box = Box()
    let latch = Latch()
    let next = state.withLock { state -> Turn in
      if let holding = state.holding, holding.generation != stale?.generation {
        return .have(holding)
      }
      if let error = Self.refusal(of: invocation, waitingUntil: state.resumesAt) {
        return .tooLate(error)
      }
      state.waiters.append(Waiter(invocation: invocation, latch: latch, answer: box))
      if state.isFlying { return .wait }
      state.isFlying = true
      return .fly(state.holding?.value)
    }
    switch next {
    case .have(let holding): return holding
    case .fly(let old):
      Task.detached { await self.fly(old, get) }
    case .wait: break
    case .tooLate(let error): throw error
    }
    guard await latch.wait(untilLatestOf: { invocation.deadline.current }) else {
      throw invocation.stopped("Signing in", outcome: .notApplied)
    }
    guard let result = box.result.withLock({ $0 }) else {
      preconditionFailure("a latch was signalled without an answer")
    }
    return try result.get()
  }

  /// The flight under way has to wait for a rate limit until `time`: whoever cannot wait that long is
  /// told at once.
  ///
  /// - Returns: whether somebody waits on.
  public func mayWait(until time: MonotonicTime) -> Bool {
    let (late, goesOn) = state.withLock { state in
      var late: [Waiter] = []
      state.waiters.removeAll { waiter in
        guard let error = Self.refusal(of: waiter.invocation, waitingUntil: time) else {
          return false
        }
        waiter.answer.result.withLock { $0 = .failure(error) }
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
    of invocation: Invocation, waitingUntil time: MonotonicTime?
  ) -> CommandError? {
    let now = MonotonicTime.now
    guard let time, !invocation.canWait(until: time, now: now) else { return nil }
    return invocation.tooLate(milliseconds: time.milliseconds(since: now))
  }

  private func fly(_ old: Value?, _ get: @Sendable (Value?) async throws(CommandError) -> Value)
    async
  {
    let result: Result<Value, CommandError>
    do throws(CommandError) {
      result = .success(try await get(old))
    } catch {
      result = .failure(error)
    }
    let (waiters, answer) = state.withLock { state in
      state.isFlying = false
      state.resumesAt = nil
      state.generation += 1
      let answer = result.map { Holding(value: $0, generation: state.generation) }
      state.holding = try? answer.get()
      defer { state.waiters = [] }
      return (state.waiters, answer)
    }
    for waiter in waiters {
      waiter.answer.result.withLock { $0 = answer }
      waiter.latch.signal()
    }
  }
}
