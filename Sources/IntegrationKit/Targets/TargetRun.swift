import Delivery
import Synchronization

/// Runs the targets of one command concurrently, and keeps, streams and reports their outcomes.
final class TargetRun: Sendable {
  typealias Work = @Sendable (Target, Invocation) async throws(CommandError) -> TargetAnswer

  /// Work on many targets in one request, if the vendor supports that.
  struct Batches: Sendable {
    /// Targets per request.
    let size: Int
    let work: @Sendable ([Target], Invocation) async -> [BatchAnswer]
  }

  private struct State {
    /// By target; several if names share a request.
    var outcomes: [[TargetOutcome]]
    var finished = 0
    var isReporting = false
  }

  private let targets: [Target]
  private let concurrency: Int
  private let invocation: Invocation
  private let batches: Batches?
  private let work: Work
  private let credentials = CredentialGuard()
  private let state: Mutex<State>

  init(
    _ targets: [Target], concurrency: Int, in invocation: Invocation, batches: Batches? = nil,
    _ work: @escaping Work
  ) {
    self.targets = targets
    self.concurrency = concurrency
    self.invocation = invocation
    self.batches = batches
    self.work = work
    state = Mutex(State(outcomes: Array(repeating: [], count: targets.count)))
  }

  /// - Returns: the outcomes in the order of the targets, and the error that stopped the rest.
  func run() async -> (outcomes: [TargetOutcome], refusal: CommandError?) {
    let answers = await answersOfBatches()
    let left = targets.indices.filter { answers[$0]?.settled == nil }
    _ = await concurrentMap(left, limit: concurrency) { [self] position in
      var result = await result(at: position)
      // A target that its batch may have changed is not reported as untouched when it fails.
      if case .mayHaveBeenApplied = answers[position] {
        result = result.mapError(invocation.sender.markingOutcomeUnknown)
      }
      await settle(position, result)
    }
    return (state.withLock { $0.outcomes.flatMap(\.self) }, credentials.refusal)
  }

  /// Batches do not pass the guard: calls that are refused in one are sent individually.
  private func answersOfBatches() async -> [BatchAnswer?] {
    guard let batches else { return Array(repeating: nil, count: targets.count) }
    let invocation = invocation
    return await sendInBatches(targets, size: batches.size) { batch in
      await batches.work(batch, invocation.child())
    } onSettled: { [self] position, result in
      await settle(position, result)
    }
  }

  private func result(at position: Int) async -> Result<TargetAnswer, CommandError> {
    await credentials.run(position) { [self] gate throws(CommandError) in
      let own = invocation.child(sendingThrough: gate)
      do throws(CommandError) {
        return try await work(targets[position], own)
      } catch {
        throw own.withRemedy(error)
      }
    }
  }

  // MARK: Outcomes

  private func settle(_ position: Int, _ result: Result<TargetAnswer, CommandError>) async {
    var outcomes = targets[position].outcomes(bounded(result))
    for index in outcomes.indices { await invocation.stream(&outcomes[index]) }
    state.withLock { state in
      state.outcomes[position] = outcomes
      state.finished += 1
    }
    await reportProgress()
  }

  /// What is kept of a response until all have arrived; a failure if the result has no room for it.
  private func bounded(
    _ result: Result<TargetAnswer, CommandError>
  ) -> Result<TargetAnswer, CommandError> {
    guard !invocation.options.stream, var answer = try? result.get(), let body = answer.body else {
      return result
    }
    do throws(CommandError) {
      // With the index, which the reader of the body makes again.
      try invocation.hold(body.json.documentBytes)
      if targets.count > 1 { answer.body = body.withoutIndex }
      return .success(answer)
    } catch {
      return .failure(error)
    }
  }

  /// One task at a time reports the number of finished targets, so that it only grows.
  private func reportProgress() async {
    let isReporter = state.withLock { state in
      defer { state.isReporting = true }
      return !state.isReporting
    }
    guard isReporter else { return }
    var reported = 0
    while let done = countToReport(after: reported) {
      await invocation.reportProgress(done: done, total: targets.count)
      reported = done
    }
  }

  /// - Returns: nil, and leaves reporting to others, if nothing is new.
  private func countToReport(after reported: Int) -> Int? {
    state.withLock { state in
      guard state.finished == reported else { return state.finished }
      state.isReporting = false
      return nil
    }
  }
}
