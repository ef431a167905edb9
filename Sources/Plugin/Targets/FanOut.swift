import Basics
import Synchronization

/// Runs the targets of one command side by side.
final class FanOut: Sendable {
  typealias Work = @Sendable (Target, Invocation) async throws(CommandError) -> TargetAnswer

  /// Targets of one command under way at a time. Those behind them have not taken a place in the
  /// rate limit yet, so that other commands get theirs.
  static let maximumConcurrency = 16

  private typealias Run = Task<Result<TargetAnswer, CommandError>, Never>

  private let targets: [Target]
  private let invocation: Invocation
  private let work: Work
  private let state: Mutex<State>

  private struct State {
    var next = 0
    var finished = 0
    var outcomes: [TargetOutcome?]
    /// The error of a target whose credentials were refused; nothing more is sent after it.
    var refusal: CommandError?
    /// Targets under way that have nothing on its way to the vendor, by position.
    var waiting: [Int: Run] = [:]
    /// The other targets under way.
    var sending: [Int: Run] = [:]
  }

  init(_ targets: [Target], in invocation: Invocation, _ work: @escaping Work) {
    self.targets = targets
    self.invocation = invocation
    self.work = work
    state = Mutex(State(outcomes: Array(repeating: nil, count: targets.count)))
  }

  /// Runs them all.
  ///
  /// - Returns: what became of each, in their order, and the error that stopped the rest.
  func run() async -> (outcomes: [TargetOutcome], refusal: CommandError?) {
    await withTaskGroup { group in
      for _ in 0..<min(targets.count, Self.maximumConcurrency) {
        group.addTask { await self.runUntilNoneIsLeft() }
      }
    }
    return state.withLock { ($0.outcomes.compactMap(\.self), $0.refusal) }
  }

  private func runUntilNoneIsLeft() async {
    while let position = take() {
      let outcome = TargetOutcome(targets[position].name, await run(at: position))
      let done = state.withLock { state in
        state.outcomes[position] = outcome
        state.finished += 1
        return state.finished
      }
      await invocation.stream(outcome)
      await invocation.reportProgress(done: done, total: targets.count)
    }
  }

  private func take() -> Int? {
    state.withLock { state in
      guard state.next < targets.count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }

  private func run(at position: Int) async -> Result<TargetAnswer, CommandError> {
    guard !Task.isCancelled else { return .failure(.cancelled(outcome: .notApplied)) }
    guard let task = start(position) else { return .failure(Self.notSent) }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    return finish(position, result)
  }

  /// - Returns: nil when nothing more is to be sent.
  private func start(_ position: Int) -> Run? {
    state.withLock { state in
      guard state.refusal == nil else { return nil }
      let task = Task { await self.result(at: position) }
      state.waiting[position] = task
      return task
    }
  }

  private func result(at position: Int) async -> Result<TargetAnswer, CommandError> {
    let own = invocation.child { [self] isSending in mark(position, isSending: isSending) }
    do throws(CommandError) {
      return .success(try await work(targets[position], own))
    } catch {
      return .failure(own.withRemedy(error))
    }
  }

  /// A target is about to send, or has its answer.
  ///
  /// - Returns: whether it may go on.
  private func mark(_ position: Int, isSending: Bool) -> Bool {
    state.withLock { state in
      if isSending {
        guard state.refusal == nil else { return false }
        state.sending[position] = state.waiting.removeValue(forKey: position)
      } else {
        state.waiting[position] = state.sending.removeValue(forKey: position)
      }
      return true
    }
  }

  private func finish(
    _ position: Int, _ result: Result<TargetAnswer, CommandError>
  ) -> Result<TargetAnswer, CommandError> {
    let stopped = state.withLock { state in
      state.waiting[position] = nil
      state.sending[position] = nil
      guard case .failure(let error) = result else {
        return [Run]()
      }
      guard state.refusal == nil, error.kind == .auth, error.statusCode == 401 else { return [] }
      state.refusal = error
      return Array(state.waiting.values)
    }
    for task in stopped { task.cancel() }
    guard case .failure(let error) = result, error.kind == .cancelled, !Task.isCancelled,
      error.outcome == .notApplied
    else { return result }
    return .failure(Self.notSent)
  }

  private static let notSent = CommandError(
    .auth, "Not sent, since the credentials were refused for another target.",
    remedy: "Check the credentials of the connection, then repeat it for this target.")
}
