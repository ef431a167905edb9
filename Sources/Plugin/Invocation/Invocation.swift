import Basics
import HTTP
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
  fileprivate let events: (any InvocationEvents)?
  private let connection: Connection
  private let retryPolicy = RetryPolicy()
  private let counters = Mutex(InvocationMeta())
  /// Of an invocation for one target: that of the whole command, and what decides whether it
  /// sends.
  private let parent: Invocation?
  private let gate: (any SendGate)?
  /// Asked before a wait for a rate limit: whether whoever waits for this invocation can wait too.
  private let mayWait: @Sendable (_ until: MonotonicTime) -> Bool

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
    deadline = parent.deadline.isGiven ? parent.deadline : InvocationDeadline(nil)
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

  /// Counts, also for the command that this is a part of.
  func note(_ change: (inout InvocationMeta) -> Void) {
    counters.withLock { change(&$0) }
    parent?.note(change)
  }

  // MARK: Telling the caller

  func reportProgress(done: Int, total: Int) async {
    if options.stream || options.progress { await events?.progress(done: done, total: total) }
  }

  /// Sends what became of a target as an item.
  func stream(_ outcome: TargetOutcome) async {
    guard options.stream, !Task.isCancelled else { return }
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

  /// Keeps what a command produced, off the threads that tasks share.
  public func store(
    _ content: [UInt8], name: String, contentType: String
  ) async throws(CommandError) -> StoredFile {
    let files = connection.files
    let stored = await withCheckedContinuation { continuation in
      NamedThread.start("store") {
        continuation.resume(
          returning: Result { () throws(FileStoreError) in
            try files.put(
              name: name, content: content, contentType: contentType, source: .playbookFile)
          })
      }
    }
    do throws(FileStoreError) {
      return try stored.get()
    } catch {
      throw CommandError(error, of: "The file \(name)")
    }
  }

  // MARK: Reaching the vendor

  /// Whether sending a request twice leaves the vendor as sending it once does.
  private var isRepeatable: Bool { command.effect == .read || command.isIdempotent }

  /// What is known after a request that may have arrived got no usable answer.
  public var outcomeAfterSending: CommandError.Outcome {
    command.effect == .read ? .notApplied : .unknown
  }

  /// Sends a request within the connection's limits, again where that is safe.
  ///
  /// - Throws: when no answer came, or a wait does not fit the deadline. Not thrown: any status.
  public func send(_ request: HTTPRequest) async throws(CommandError) -> HTTPResponse {
    do throws(CommandError) {
      var response = try await sendWithRetries(request)
      // Errors quote the start of a body; a cut through a secret would leave half of it.
      if !response.isSuccess { response.body = connection.secrets.scrub(response.body) }
      return response
    } catch {
      throw withRemedy(error)
    }
  }

  private func sendWithRetries(
    _ request: HTTPRequest
  ) async throws(CommandError) -> HTTPResponse {
    var attempt = 1
    while true {
      let delay: Int
      var reason = "retry"
      switch try await sendOnce(request) {
      case .success(let response):
        let retryAfter = response.retryAfterMilliseconds
        if response.status == 429 { pause(milliseconds: retryAfter) }
        guard
          let wait = retryPolicy.delay(
            afterStatus: response.status, retryAfterMilliseconds: retryAfter, attempt: attempt,
            isRepeatable: isRepeatable, randomness: .random(in: 0...1))
        else { return response }
        // An answer in hand is worth more than a retry that cannot come in time.
        let isRateLimit = response.status == 429 && retryAfter != nil
        if isRateLimit { reason = "rate_limited" }
        guard isRateLimit ? canWait(milliseconds: wait) : wait < remainingMilliseconds else {
          return response
        }
        if response.status >= 500 { noteUnclear() }
        delay = wait
      case .failure(let error):
        let outcome = error.mayHaveArrived ? outcomeAfterSending : .notApplied
        if error.mayHaveArrived { noteUnclear() }
        guard
          let wait = retryPolicy.delay(
            after: error, attempt: attempt, isRepeatable: isRepeatable,
            randomness: .random(in: 0...1)),
          wait < remainingMilliseconds
        else { throw .transport(error, outcome: outcome) }
        delay = wait
      }
      attempt += 1
      note { $0.retries += 1 }
      try await wait(milliseconds: delay, reason: reason)
    }
  }

  /// One attempt, within the connection's limits. Its place is free again for others while this one
  /// waits before a further attempt.
  private func sendOnce(
    _ request: HTTPRequest
  ) async throws(CommandError) -> Result<HTTPResponse, TransportError> {
    try await takeSlot()
    do throws(CommandError) {
      try await waitForRateLimit()
    } catch {
      connection.slots.releaseIfLimited()
      throw error
    }
    try await passGate()
    defer { connection.slots.releaseIfLimited() }
    note { $0.requests += 1 }
    do throws(TransportError) {
      let response = try await connection.transport.send(
        request, through: connection.route, deadline: deadline.current)
      gate?.leave(status: response.status)
      return .success(response)
    } catch {
      gate?.leave(status: nil)
      return .failure(error)
    }
  }

  /// Asks for the turn to send, with a slot in hand, which is given back when there is none. While
  /// another target finds out whether the credentials are good, it may need the slot.
  private func passGate() async throws(CommandError) {
    while let gate {
      switch gate.enter() {
      case .go: return
      case .stop:
        connection.slots.releaseIfLimited()
        throw .cancelled(outcome: .notApplied)
      case .wait(let latch):
        connection.slots.releaseIfLimited()
        guard await latch.wait(until: deadline.current) else {
          throw stopped("Waiting for another target's sign-in", outcome: .notApplied)
        }
        try await takeSlot()
      }
    }
  }

  /// An attempt may have been applied, whatever becomes of the next ones.
  private func noteUnclear() {
    if command.effect != .read { counters.withLock { $0.isUnclear = true } }
  }

  /// The start of a body, to be shown.
  public func excerpt(of body: [UInt8], bytes: Int) -> ArraySlice<UInt8> {
    connection.secrets.scrub(body).prefix(bytes)
  }

  /// Adds to an error with an unknown outcome how to find out.
  public func withRemedy(_ error: CommandError) -> CommandError {
    var error = error
    if counters.withLock({ $0.isUnclear }) { error.outcome = .unknown }
    guard error.outcome == .unknown, let readBack = command.readBack else { return error }
    error.remedy =
      "It may have been applied: look with \(readBack) before repeating it."
    return error
  }

  // MARK: Waiting

  private var remainingMilliseconds: Int { deadline.current.remainingMilliseconds }

  /// Whether a rate limit can be waited for until `time`; the deadline then leaves room for the work
  /// after it.
  func canWait(until time: MonotonicTime, now: MonotonicTime = .now) -> Bool {
    guard deadline.allows(waitUntil: time, now: now), mayWait(time) else { return false }
    deadline.move(pastWaitUntil: time)
    return true
  }

  private func canWait(milliseconds: Int) -> Bool {
    let now = MonotonicTime.now
    return canWait(until: now.adding(milliseconds: milliseconds), now: now)
  }

  /// Fails at once when the last of so many requests would be due after the deadline, so that a
  /// command of many requests does not stop half-way. Reserves nothing.
  public func expectRoom(forRequests count: Int) throws(CommandError) {
    let due = connection.limiter.due(ofNext: count, for: commandID, command.rateLimit)
    let now = MonotonicTime.now
    guard deadline.allows(waitUntil: due, now: now) else {
      throw tooLate(milliseconds: due.milliseconds(since: now), requests: count)
    }
  }

  private func takeSlot() async throws(CommandError) {
    guard connection.slots.areLimited else { return }
    // Those in front may wait for the rate limit, which then is waited for here too.
    let isBehindLimit =
      !deadline.isGiven && connection.limiter.hasLimit(for: commandID, command.rateLimit)
    let latest =
      isBehindLimit
      ? Deadline(inMilliseconds: InvocationDeadline.maximumWaitMilliseconds) : deadline.current
    let start = MonotonicTime.now
    guard await connection.slots.acquireIfLimited(until: latest) else {
      throw stopped("Waiting for a free place on the connection", outcome: .notApplied)
    }
    let now = MonotonicTime.now
    if isBehindLimit && now.milliseconds(since: start) > 1 { deadline.move(pastWaitUntil: now) }
  }

  private func waitForRateLimit() async throws(CommandError) {
    while true {
      let reserved = connection.limiter.reserve(for: commandID, command.rateLimit) {
        deadline.allows(waitUntil: $0, now: $1)
      }
      switch reserved {
      case .now: return
      case .tooLate(let milliseconds): throw tooLate(milliseconds: milliseconds)
      case .after(let milliseconds, let place):
        guard canWait(until: place.due) else {
          place.release()
          throw tooLate(milliseconds: milliseconds)
        }
        do throws(CommandError) {
          try await wait(milliseconds: milliseconds, reason: "rate_limited")
        } catch {
          place.release()
          throw error
        }
        if place.isUsable() { return }
      }
    }
  }

  func tooLate(milliseconds: Int, requests: Int = 1) -> CommandError {
    let what = requests == 1 ? "next request" : "last of \(requests) requests"
    return CommandError(
      .rateLimited,
      "The rate limit allows the \(what) in \(milliseconds) ms, after the deadline.",
      isRetryable: true, retryAfterMilliseconds: milliseconds,
      remedy: "Try again then, or raise options.timeout_ms.")
  }

  private func pause(milliseconds: Int?) {
    guard let milliseconds else { return }
    connection.limiter.pause(
      for: commandID, command.rateLimit,
      until: MonotonicTime.now.adding(milliseconds: milliseconds))
  }

  private func wait(milliseconds: Int, reason: String) async throws(CommandError) {
    if milliseconds > 0 {
      await events?.waiting(
        reason: reason, resumeAtMilliseconds: WallClock.nowMilliseconds + Int64(milliseconds))
    }
    let start = MonotonicTime.now
    await Task.pause(milliseconds: milliseconds)
    note { $0.waitedMilliseconds += MonotonicTime.now.milliseconds(since: start) }
    if Task.isCancelled { throw .cancelled(outcome: .notApplied) }
  }

  /// The error of a wait that ended without what it waited for.
  public func stopped(_ what: String, outcome: CommandError.Outcome) -> CommandError {
    Task.isCancelled ? .cancelled(outcome: outcome) : .timeout(what, outcome: outcome)
  }
}
