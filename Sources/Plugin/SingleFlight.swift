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
    var waiters: [(latch: Latch, answer: Box)] = []
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
  }

  private let state = Mutex(State())

  public init() {}

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
      state.waiters.append((latch, box))
      if state.isFlying { return .wait }
      state.isFlying = true
      return .fly(state.holding?.value)
    }
    switch next {
    case .have(let holding): return holding
    case .fly(let old):
      Task.detached { await self.fly(old, get) }
    case .wait: break
    }
    guard await latch.wait(until: invocation.deadline) else {
      throw invocation.stopped("Signing in", outcome: .notApplied)
    }
    guard let result = box.result.withLock({ $0 }) else {
      preconditionFailure("a latch was signalled without an answer")
    }
    return try result.get()
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
