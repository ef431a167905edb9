import Basics
import Delivery
import Synchronization

/// Runs the targets of one command side by side.
final class FanOut: Sendable {
  typealias Work = @Sendable (Target, Invocation) async throws(CommandError) -> TargetAnswer

  /// Work on many targets in one request, where the vendor takes that.
  struct Batches: Sendable {
    /// Targets of one request at most.
    let size: Int
    let work: @Sendable ([Target], Invocation) async -> [BatchAnswer]
  }

  /// Batches under way at a time: the vendor works on all targets of a batch at once. Each one that is
  /// answered whole makes room for one more, from `firstConcurrentBatches` to `maximumConcurrentBatches`;
  /// one that is not leaves room for itself alone.
  static let firstConcurrentBatches = 2
  static let maximumConcurrentBatches = 4

  private typealias Run = Task<Result<TargetAnswer, CommandError>, Never>

  private let targets: [Target]
  private let atOnce: Int
  private let invocation: Invocation
  private let batches: Batches?
  private let work: Work
  private let state: Mutex<State>

  private struct State {
    /// Positions that no batch has settled.
    var left: [Int] = []
    var next = 0
    var nextInBatch = 0
    /// A batch settled nothing: the others would fare no better.
    var batchesFail = false
    /// Positions that a batch may have done something for and brought no answer.
    var unclear: Set<Int> = []
    var finished = 0
    var isReporting = false
    /// By target; several where they share a request.
    var outcomes: [[TargetOutcome]]
    /// Nothing more is sent. Known here before any target is told: the slot of one that is stopped
    /// would else go to one that has not been told yet, and that one would send.
    var isCancelled = false
    /// The error of a target whose credentials were refused; nothing more is sent after it.
    var refusal: CommandError?
    /// Targets that were answered 401 and may still sign in again; until they have, or have not,
    /// no other target sends.
    var doubtful: Set<Int> = []
    var waitingForDoubts: [Latch] = []
    /// Targets under way that have nothing on its way to the vendor, by position.
    var waiting: [Int: Run] = [:]
    /// The other targets under way.
    var sending: [Int: Run] = [:]

    /// - Returns: who waited for it.
    mutating func endDoubt(_ position: Int) -> [Latch] {
      guard doubtful.remove(position) != nil, doubtful.isEmpty else { return [] }
      defer { waitingForDoubts = [] }
      return waitingForDoubts
    }
  }

  init(
    _ targets: [Target], atOnce: Int, in invocation: Invocation, batches: Batches? = nil,
    _ work: @escaping Work
  ) {
    self.batches = batches
    self.targets = targets
    self.atOnce = atOnce
    self.invocation = invocation
    self.work = work
    state = Mutex(State(outcomes: Array(repeating: [], count: targets.count)))
  }

  /// Runs them all.
  ///
  /// - Returns: what became of each, in their order, and the error that stopped the rest.
  func run() async -> (outcomes: [TargetOutcome], refusal: CommandError?) {
    if let batches { await run(batches) }
    let left = state.withLock { state in
      state.left = state.outcomes.indices.filter { state.outcomes[$0].isEmpty }
      return state.left.count
    }
    await withTaskGroup { group in
      for _ in 0..<min(left, atOnce) {
        group.addTask { await self.runUntilNoneIsLeft() }
      }
    }
    return state.withLock { ($0.outcomes.flatMap(\.self), $0.refusal) }
  }

  private func runUntilNoneIsLeft() async {
    while let position = take() {
      await settle(position, doubting(await run(at: position), of: position))
    }
  }

  private func settle(_ position: Int, _ result: Result<TargetAnswer, CommandError>) async {
    var outcomes = targets[position].outcomes(result)
    for index in outcomes.indices { await invocation.stream(&outcomes[index]) }
    state.withLock { state in
      state.outcomes[position] = outcomes
      state.finished += 1
    }
    await reportProgress()
  }

  /// One at a time tells how many have finished, so that the numbers only grow.
  private func reportProgress() async {
    let isMine = state.withLock { state in
      defer { state.isReporting = true }
      return !state.isReporting
    }
    guard isMine else { return }
    var reported = 0
    while let done = countToReport(after: reported) {
      await invocation.reportProgress(done: done, total: targets.count)
      reported = done
    }
  }

  /// - Returns: nil, and leaves reporting to others, when there is nothing new.
  private func countToReport(after reported: Int) -> Int? {
    state.withLock { state in
      guard state.finished == reported else { return state.finished }
      state.isReporting = false
      return nil
    }
  }

  private func take() -> Int? {
    state.withLock { state in
      guard state.next < state.left.count else { return nil }
      defer { state.next += 1 }
      return state.left[state.next]
    }
  }

  // MARK: Batches

  private func run(_ batches: Batches) async {
    await withTaskGroup(of: Bool.self) { group in
      var room = Self.firstConcurrentBatches
      var underWay = 0
      while true {
        while underWay < room, let positions = takeBatch(of: batches.size) {
          group.addTask { await self.run(positions, in: batches) }
          underWay += 1
        }
        guard let isWhole = await group.next() else { return }
        underWay -= 1
        room = isWhole ? min(room + 1, Self.maximumConcurrentBatches) : 1
      }
    }
  }

  private func takeBatch(of size: Int) -> Range<Int>? {
    state.withLock { state in
      let start = state.nextInBatch
      guard start < targets.count, !state.batchesFail, !Task.isCancelled else { return nil }
      state.nextInBatch = min(start + size, targets.count)
      return start..<state.nextInBatch
    }
  }

  /// - Returns: whether every target was answered.
  private func run(_ positions: Range<Int>, in batches: Batches) async -> Bool {
    let own = invocation.child(sendingThrough: OpenGate())
    let answers = await batches.work(Array(targets[positions]), own)
    precondition(answers.count == positions.count, "a batch that answers for others")
    let settled = answers.compactMap(\.settled).count
    state.withLock { state in
      if settled == 0 { state.batchesFail = true }
      for case (let position, .unclear) in zip(positions, answers) {
        state.unclear.insert(position)
      }
    }
    for case (let position, .settled(let result)) in zip(positions, answers) {
      await settle(position, result)
    }
    return settled == answers.count
  }

  /// A target that its batch may have done something for is not called untouched when it then fails
  /// alone, or is not sent any more.
  private func doubting(
    _ result: Result<TargetAnswer, CommandError>, of position: Int
  ) -> Result<TargetAnswer, CommandError> {
    guard state.withLock({ $0.unclear.contains(position) }) else { return result }
    return result.mapError(invocation.sender.markingOutcomeUnknown)
  }

  /// Batches hold nobody up: what is refused in one is sent alone.
  private struct OpenGate: SendGate {
    func enter() -> SendPermit { .proceed }
    func leave(status: Int?) {}
  }

  private func run(at position: Int) async -> Result<TargetAnswer, CommandError> {
    guard !Task.isCancelled else { return .failure(.cancelled(outcome: .notApplied)) }
    guard let task = start(position) else { return .failure(Self.notSent) }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      state.withLock { $0.isCancelled = true }
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
    let own = invocation.child(sendingThrough: Turn(fanOut: self, position: position))
    do throws(CommandError) {
      return .success(try await work(targets[position], own))
    } catch {
      return .failure(own.withRemedy(error))
    }
  }

  // MARK: Taking turns

  /// What one target asks before it sends.
  private struct Turn: SendGate {
    let fanOut: FanOut
    let position: Int

    func enter() -> SendPermit { fanOut.enter(position) }
    func leave(status: Int?) { fanOut.leave(position, status) }
  }

  private func enter(_ position: Int) -> SendPermit {
    state.withLock { state in
      if state.refusal != nil || state.isCancelled { return .stop }
      if !state.doubtful.isEmpty, !state.doubtful.contains(position) {
        let latch = Latch()
        state.waitingForDoubts.append(latch)
        return .wait(latch)
      }
      state.sending[position] = state.waiting.removeValue(forKey: position)
      return .proceed
    }
  }

  private func leave(_ position: Int, _ status: Int?) {
    let latches = state.withLock { state -> [Latch] in
      state.waiting[position] = state.sending.removeValue(forKey: position)
      guard status == 401 else { return state.endDoubt(position) }
      state.doubtful.insert(position)
      return []
    }
    for latch in latches { latch.signal() }
  }

  private func finish(
    _ position: Int, _ result: Result<TargetAnswer, CommandError>
  ) -> Result<TargetAnswer, CommandError> {
    let (stopped, latches, isCancelled) = state.withLock { state -> ([Run], [Latch], Bool) in
      state.waiting[position] = nil
      state.sending[position] = nil
      var stopped: [Run] = []
      if case .failure(let error) = result, state.refusal == nil, error.kind == .auth,
        error.statusCode == 401
      {
        state.refusal = error
        stopped = Array(state.waiting.values)
      }
      return (stopped, state.endDoubt(position), state.isCancelled)
    }
    for task in stopped { task.cancel() }
    for latch in latches { latch.signal() }
    guard case .failure(let error) = result, error.kind == .cancelled, !isCancelled,
      !Task.isCancelled,
      error.outcome == .notApplied
    else { return result }
    return .failure(Self.notSent)
  }

  private static let notSent = CommandError(
    .auth, "Not sent, since the credentials were refused for another target.",
    remedy: "Check the credentials of the connection, then repeat it for this target.")
}
