import Basics
import Delivery
import HTTP
import JSON

/// One target of a command, or several that share a request: what is sent for it.
public struct Target: Sendable {
  /// As they are named in the answer.
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

/// What a request for several targets brought one of them.
public enum BatchAnswer: Sendable {
  case settled(Result<TargetAnswer, CommandError>)
  /// To be sent alone: nothing was done.
  case notApplied
  /// To be sent alone: it may have been done.
  case unclear

  public var settled: Result<TargetAnswer, CommandError>? {
    if case .settled(let result) = self { result } else { nil }
  }
}

/// A command over a list of targets, with requests of its own for each.
///
/// The targets run side by side within the limits of the connection. The answer has them in the
/// order in which they were given; one that was given twice runs once. A target whose credentials
/// are refused (401) stops those that have not been sent yet.
public protocol TargetCommand: Command {
  /// Requests that each target takes, to see beforehand whether they fit the rate limit.
  static var requestsPerTarget: Int { get }
  /// Targets of one call under way at a time. Those behind them have not taken a place in the rate
  /// limit yet, so that other commands get theirs.
  static var maximumConcurrency: Int { get }

  /// How many of so many targets are sent in one request; 1 where each is sent alone.
  func batchSize(for targets: Int, with client: Client) -> Int
  /// Does what is to be done for several targets with one request. Only for what may be done twice:
  /// what the request leaves open is sent again, alone.
  ///
  /// - Returns: what became of each.
  func run(_ batch: [Target], with client: Client, in invocation: Invocation)
    async -> [BatchAnswer]

  /// The targets with the requests that they start with, without duplicates.
  func targets(with client: Client) -> [Target]
  /// Does what is to be done for one target.
  func run(_ target: Target, with client: Client, in invocation: Invocation)
    async throws(CommandError) -> TargetAnswer
}

extension TargetCommand {
  public static var canPartlySucceed: Bool { true }
  public static var requestsPerTarget: Int { 1 }
  public static var maximumConcurrency: Int { 16 }

  public func batchSize(for targets: Int, with client: Client) -> Int { 1 }

  public func run(
    _ batch: [Target], with client: Client, in invocation: Invocation
  ) async -> [BatchAnswer] { batch.map { _ in .notApplied } }

  public func plan(with client: Client) -> [HTTPRequest] {
    targets(with: client).flatMap { client.previews($0.request) }
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
    let sends = (targets.count + size - 1) / size
    try await client.prepare(in: invocation)
    try await invocation.expectRoom(forRequests: sends * Self.requestsPerTarget)
    let batches = FanOut.Batches(size: size) { await run($0, with: client, in: $1) }
    let fanOut = FanOut(
      targets, atOnce: Self.maximumConcurrency, in: invocation, batches: size > 1 ? batches : nil
    ) {
      (target, own) async throws(CommandError) in try await run(target, with: client, in: own)
    }
    return try await result(of: fanOut, in: invocation)
  }

  /// Runs targets side by side; for a command that has something to do before them.
  ///
  /// - Parameter work: does what is to be done for one target, in an invocation of its own.
  public func run(
    _ targets: [Target], in invocation: Invocation,
    _ work: @escaping @Sendable (Target, Invocation) async throws(CommandError) -> TargetAnswer
  ) async throws(CommandError) -> CommandResult {
    try await result(
      of: FanOut(targets, atOnce: Self.maximumConcurrency, in: invocation, work), in: invocation)
  }

  private func result(
    of fanOut: FanOut, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    let (outcomes, refusal) = await fanOut.run()
    // Who has cancelled it wants no result, but must know what was done.
    let end = Task.isCancelled ? CommandError.cancelled(outcome: .notApplied) : refusal
    let mayFailInPart = Self.canPartlySucceed && !Task.isCancelled
    var result = try CommandResult(
      outcomes, end, mayFailInPart: mayFailInPart, changesSomething: Self.about.effect != .read)
    if invocation.options.stream { result.rawData = .streamed }
    return result
  }
}

extension Sequence where Element == String {
  /// Each text once, where it stands first. Texts that look alike and are spelt in other bytes are two:
  /// to a vendor they are two ids.
  public func withoutDuplicates() -> [String] {
    var seen: Set<[UInt8]> = []
    return filter { seen.insert(Array($0.utf8)).inserted }
  }
}

extension CommandResult {
  /// - Parameter end: what stopped the targets that were left.
  /// - Throws: when no target succeeded, or one failed that must not.
  init(
    _ outcomes: [TargetOutcome], _ end: CommandError?, mayFailInPart: Bool,
    changesSomething: Bool
  ) throws(CommandError) {
    let answers = outcomes.compactMap(\.answer)
    let errors = outcomes.compactMap(\.error)
    if let first = errors.first, answers.isEmpty || !mayFailInPart {
      var error = end ?? first
      error.targets = outcomes
      // What was done for some target cannot be called "not applied" of the whole.
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
