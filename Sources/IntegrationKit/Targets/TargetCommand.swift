import Basics
import Delivery
import HTTP
import JSON

/// One target of a command, or several that share a request.
public struct Target: Sendable {
  /// As the result names them.
  public let names: [String]
  public let request: HTTPRequest

  public init(_ name: String, _ request: HTTPRequest) { self.init(names: [name], request) }

  public init(names: [String], _ request: HTTPRequest) {
    self.names = names
    self.request = request
  }

  /// The outcome per name. If several share a request, the first one has its data.
  func outcomes(_ result: Result<TargetAnswer, CommandError>) -> [TargetOutcome] {
    names.enumerated().map { position, name in
      TargetOutcome(name, position == 0 ? result : result.map { _ in TargetAnswer(nil) })
    }
  }
}

/// A command over a list of targets, with separate requests per target.
///
/// The targets run concurrently within the limits of the connection. The result has them in the order
/// of the arguments; a target that is given twice runs once. If the credentials of one target are
/// refused (401), targets that have not been sent are not sent.
public protocol TargetCommand: Command {
  /// Requests per target, to check beforehand whether they fit the rate limit.
  static var requestsPerTarget: Int { get }
  /// Targets of one call in flight at most, for targets that need much memory; nil for as many as the
  /// connection allows.
  var maximumConcurrency: Int? { get }
  /// Whether `raw_data` is the vendor's body, not a list, if all targets shared one request.
  static var unwrapsSingleBody: Bool { get }

  /// How many of so many targets are sent in one request; 1 where each is sent alone.
  func batchSize(for targets: Int, with client: Client) -> Int
  /// Runs several targets with one request. Only for work whose repetition is safe: targets that the
  /// request leaves unresolved are retried individually.
  ///
  /// - Returns: the results in the order of the targets.
  func run(_ batch: [Target], with client: Client, in invocation: Invocation)
    async -> [BatchAnswer]

  /// The targets with the requests that they start with, without duplicates.
  func targets(with client: Client) -> [Target]
  /// Runs one target.
  func run(_ target: Target, with client: Client, in invocation: Invocation)
    async throws(CommandError) -> TargetAnswer
}

extension TargetCommand {
  public static var canPartlySucceed: Bool { true }
  public static var requestsPerTarget: Int { 1 }
  public var maximumConcurrency: Int? { nil }
  public static var unwrapsSingleBody: Bool { false }

  public func batchSize(for targets: Int, with client: Client) -> Int { 1 }

  public func run(
    _ batch: [Target], with client: Client, in invocation: Invocation
  ) async -> [BatchAnswer] { batch.map { _ in .notApplied } }

  public func plan(with client: Client, add: (consuming HTTPRequest) -> Void) {
    for target in targets(with: client) { add(target.request) }
  }

  public func run(
    _ target: Target, with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> TargetAnswer {
    TargetAnswer(try await client.exchange(target.request, in: invocation))
  }

  public func run(
    with client: Client, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let targets = targets(with: client)
    let size = batchSize(for: targets.count, with: client)
    try await client.prepare(in: invocation)
    // Those of a batch count individually.
    try await invocation.expectRoom(forRequests: targets.count * Self.requestsPerTarget)
    let batches = TargetRun.Batches(size: size) { await run($0, with: client, in: $1) }
    let targetRun = TargetRun(
      targets, concurrency: concurrency(in: invocation), in: invocation,
      batches: size > 1 ? batches : nil
    ) {
      (target, own) async throws(CommandError) in try await run(target, with: client, in: own)
    }
    var result = try await result(of: targetRun, in: invocation)
    if Self.unwrapsSingleBody, targets.count == 1, case .bodies(let bodies) = result.rawData,
      bodies.count == 1
    {
      result.rawData = .body(bodies[0].json)
    }
    return result
  }

  /// Runs targets concurrently; for a command that has other work before them.
  ///
  /// - Parameter work: runs one target, in its part of the invocation.
  public func run(
    _ targets: [Target], in invocation: Invocation,
    _ work: @escaping @Sendable (Target, Invocation) async throws(CommandError) -> TargetAnswer
  ) async throws(CommandError) -> CommandResult {
    try await result(
      of: TargetRun(targets, concurrency: concurrency(in: invocation), in: invocation, work),
      in: invocation)
  }

  /// The others have not reserved anything in the rate limit, so that other commands get their share.
  private func concurrency(in invocation: Invocation) -> Int {
    let allowed = invocation.sender.channel.concurrency.maximum ?? 16
    return maximumConcurrency.map { min($0, allowed) } ?? allowed
  }

  private func result(
    of targetRun: TargetRun, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let (outcomes, refusal) = await targetRun.run()
    // A caller that cancels gets no result, but the outcome per target.
    let end = Task.isCancelled ? CommandError.cancelled(outcome: .notApplied) : refusal
    let mayFailInPart = Self.canPartlySucceed && !Task.isCancelled
    var result = try CommandResult(
      outcomes, end, mayFailInPart: mayFailInPart, changesSomething: Self.metadata.effect != .read)
    if invocation.options.stream { result.rawData = .streamed }
    return result
  }
}

extension Sequence where Element == String {
  /// Each text once, at its first position. Texts that look equal but differ in bytes are two: for a
  /// vendor they are two ids.
  public func withoutDuplicates() -> [String] {
    var seen: Set<[UInt8]> = []
    return filter { seen.insert(Array($0.utf8)).inserted }
  }
}

extension CommandResult {
  /// - Parameter end: the error that stopped the remaining targets.
  /// - Throws: if no target succeeded, or one failed that must not.
  init(
    _ outcomes: [TargetOutcome], _ end: CommandError?, mayFailInPart: Bool,
    changesSomething: Bool
  ) throws(CommandError) {
    let answers = outcomes.compactMap(\.answer)
    let errors = outcomes.compactMap(\.error)
    if let first = errors.first, answers.isEmpty || !mayFailInPart {
      var error = end ?? first
      error.targets = outcomes
      // A command that was applied for one target is not "not applied" as a whole.
      let isPartlyApplied = changesSomething && !answers.isEmpty
      if isPartlyApplied || errors.contains(where: { $0.outcome == .unknown }) {
        error.outcome = .unknown
      }
      throw error
    }
    self.init(.bodies(answers.compactMap(\.body)))
    files = answers.flatMap(\.files)
    targets = outcomes
  }
}
