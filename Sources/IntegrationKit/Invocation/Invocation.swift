import Basics
import HTTP
import JSON
import Synchronization

/// What an invocation tells its caller before the answer. Waits when the caller reads slowly.
public protocol InvocationEvents: Sendable {
  func item(_ item: JSON) async
  func progress(done: Int, total: Int) async
  func waiting(reason: String, resumeAtMilliseconds: Int64) async
}

/// What an invocation took; `meta` of the answer.
public struct InvocationMeta: Sendable {
  public var requests = 0
  public var retries = 0
  public var waitedMilliseconds = 0
  public var pages = 0
  public var items = 0
  /// Whether an attempt at the request under way may have been applied and was followed by
  /// another.
  var isUnclear = false
}

/// One run of one command: its deadline, its way to the vendor, and what it counts.
public final class Invocation: Sendable {
  public let command: CommandAbout
  public let commandID: String
  public let options: InvocationOptions
  /// By when it must have answered; moves with waits for rate limits when the caller gave none.
  public let deadline: InvocationDeadline
  let events: (any InvocationEvents)?
  let connection: Connection
  let retryPolicy = RetryPolicy()
  let counters = Mutex(InvocationMeta())
  /// Of an invocation for one target: that of the whole command, and what decides whether it
  /// sends.
  private let parent: Invocation?
  let gate: (any SendGate)?
  /// Asked before a wait for a rate limit: whether whoever waits for this invocation can wait too.
  let mayWait: @Sendable (_ until: MonotonicTime) -> Bool

  /// - Parameter deadline: nil when the caller gave none.
  public convenience init(
    _ command: CommandAbout, id: String, on connection: Connection, options: InvocationOptions,
    deadline: Deadline?, events: (any InvocationEvents)?
  ) {
    self.init(
      command, id: id, on: connection, options: options, deadline: InvocationDeadline(deadline),
      events: events, mayWait: { _ in true })
  }

  private init(
    _ command: CommandAbout, id: String, on connection: Connection, options: InvocationOptions,
    deadline: InvocationDeadline, events: (any InvocationEvents)?,
    mayWait: @escaping @Sendable (_ until: MonotonicTime) -> Bool
  ) {
    self.command = command
    commandID = id
    self.connection = connection
    self.options = options
    self.deadline = deadline
    self.events = events
    self.mayWait = mayWait
    parent = nil
    gate = nil
  }

  private init(of parent: Invocation, _ gate: any SendGate) {
    command = parent.command
    commandID = parent.commandID
    connection = parent.connection
    options = parent.options
    // What a target waits for its turn does not count against the work on it.
    deadline =
      parent.deadline.isGiven ? parent.deadline : InvocationDeadline(partOf: parent.deadline)
    events = parent.events
    mayWait = parent.mayWait
    self.parent = parent
    self.gate = gate
  }

  /// The part of this invocation that concerns one of several targets.
  func child(sendingThrough gate: any SendGate) -> Invocation { Invocation(of: self, gate) }

  /// Milliseconds that a sign-in may take; it serves all that wait for it, so no caller's own
  /// deadline bounds it.
  private static let signInMilliseconds = 30_000

  /// The invocation of a sign-in exchange.
  ///
  /// - Parameter mayWait: told when a rate limit lets it go on; false when nobody can wait so long.
  public static func signIn(
    on connection: Connection,
    mayWait: @escaping @Sendable (_ until: MonotonicTime) -> Bool = { _ in true }
  ) -> Invocation {
    Invocation(
      CommandAbout("Sign In", "Gets an access token."), id: "sign_in", on: connection,
      options: .none,
      deadline: InvocationDeadline(nil, workMilliseconds: signInMilliseconds), events: nil,
      mayWait: mayWait)
  }

  public var meta: InvocationMeta { counters.withLock { $0 } }

  /// Of targets that wait side by side the longest wait counts for the command.
  func noteWait(milliseconds: Int) {
    let own = counters.withLock { counters in
      counters.waitedMilliseconds += milliseconds
      return counters.waitedMilliseconds
    }
    parent?.counters.withLock { $0.waitedMilliseconds = max($0.waitedMilliseconds, own) }
  }

  /// Counts, also for the command that this is a part of.
  func note(_ change: (inout InvocationMeta) -> Void) {
    counters.withLock { change(&$0) }
    parent?.note(change)
  }

  // MARK: Telling the caller

  func reportProgress(done: Int, total: Int) async {
    if options.stream || options.progress { await events?.progress(done: done, total: total) }
  }

  /// Sends what became of a target as an item, which then keeps no body.
  func stream(_ outcome: inout TargetOutcome) async {
    guard options.stream, !Task.isCancelled else { return }
    defer { outcome = outcome.withoutBody }
    let indicator = command.failure
    let item = JSONFragment { outcome.write(to: &$0, indicator: indicator, withData: true) }
    await events?.item(item.json)
    note { $0.items += 1 }
  }

  /// Sends each element of a list as an item.
  func stream(_ list: JSON) async {
    for item in list.elements {
      // Nothing more is sent for what was cancelled; the next exchange notices it too.
      if Task.isCancelled { return }
      await events?.item(item)
      note { $0.items += 1 }
    }
  }

  /// The result of a one-request command: its body, or its items as a stream when that was asked.
  public func finish(_ body: JSON, items: ItemsPath?) async -> CommandResult {
    note { $0.pages = 1 }
    guard options.stream, let list = items?.list(in: body) else {
      return CommandResult(.body(body))
    }
    await stream(list)
    return CommandResult(.streamed)
  }
}
