import Basics
// An integration sees errors, outcomes and rate refusals through the kit.
@_exported import Delivery
import HTTP
import JSON
import RateLimits

/// Sending, within the limits and the deadline of the invocation.
extension Invocation {
  /// Sends a request within the limits of the connection and retries it where that is safe.
  ///
  /// - Parameter rateRefusal: recognises responses that mean "too many requests".
  /// - Throws: if no response arrived, or a wait does not fit the deadline. Not thrown: any status.
  public func send(
    _ request: HTTPRequest,
    refusedByRate rateRefusal: (HTTPResponse) -> RateRefusal? = RateRefusal.of429
  ) async throws(CommandError) -> HTTPResponse {
    let response = try await sender.send(request, refusedByRate: rateRefusal)
    received(bytes: response.body.count)
    return response
  }

  /// Waits before the next attempt of a protocol that retries by itself, with the back-off of `send`.
  ///
  /// - Parameter attempt: from 1, the one that failed.
  /// - Returns: false if no further attempt is left, or no time for it.
  public func mayRetry(afterAttempt attempt: Int) async throws(CommandError) -> Bool {
    try await sender.mayRetry(afterAttempt: attempt)
  }

  /// Pauses the rate limit after the vendor refused a part of a request that it accepted otherwise.
  /// For whole requests `send` does so.
  public func pauseRate(after refusal: RateRefusal) async {
    await sender.pauseRate(after: refusal)
  }

  /// Fails fast if the last of that many requests would be due after the deadline, so that a command
  /// of many requests does not stop half-way. Reserves nothing.
  public func expectRoom(forRequests count: Int) async throws(CommandError) {
    try await sender.expectRoom(forRequests: count)
  }

  /// Call it before something outside this process may be changed without `send`, for example by a
  /// program that runs the command.
  package func passFirstSend() async throws(CommandError) {
    guard command.effect != .read else { return }
    try await sender.firstSend?.pass(until: deadline.current)
  }

  // MARK: Time

  /// Milliseconds of work left.
  public var remainingMilliseconds: Int { sender.remainingMilliseconds }

  /// Grants the whole time for the work that is still to come, unless the caller gave a deadline: for
  /// a transfer that is too large for one.
  public func extendDeadline() { sender.extendDeadline() }

  /// Fails after the deadline or a cancellation; for work that neither sends nor waits.
  public func checkTime(for what: String) throws(CommandError) {
    try sender.checkTime(for: what)
  }

  /// The error of a wait that ended without a result.
  public func stopped(_ what: String, outcome: CommandError.Outcome) -> CommandError {
    sender.stopped(what, outcome: outcome)
  }

  // MARK: Errors

  /// The outcome of a request that may have arrived and got no usable response.
  public var outcomeAfterSending: CommandError.Outcome { sender.outcomeAfterSending }

  /// The outcome of a request that got an error with this status.
  public func outcome(afterStatus status: Int) -> CommandError.Outcome {
    sender.outcome(afterStatus: status)
  }

  /// Adds to an error with an unknown outcome how to find out.
  public func withRemedy(_ error: CommandError) -> CommandError { sender.withRemedy(error) }

  /// The body of a response as JSON; null if it is empty.
  ///
  /// - Parameter remedy: of the error, if it is not JSON.
  public func json(of response: HTTPResponse, remedy: String) throws(CommandError) -> JSON {
    try sender.json(of: response, remedy: remedy)
  }

  /// The error of a successful response whose body is not JSON.
  public func bodyIsNotJSON(
    _ response: HTTPResponse, _ error: JSONError, remedy: String
  ) -> CommandError {
    sender.bodyIsNotJSON(response, error, remedy: remedy)
  }

  /// The error of a successful response that is not one of the API. Quotes the start of its body.
  public func unusable(
    _ response: HTTPResponse, _ message: String, remedy: String
  ) -> CommandError {
    sender.unusable(response, message, remedy: remedy)
  }
}

// MARK: Signing in

extension Invocation {
  /// Reads a secret of the connection within the deadline, and redacts it from all output from then
  /// on.
  ///
  /// - Parameter name: of the secret in errors, such as `The password`.
  public func read(
    _ secret: SecretReference, named name: String
  ) async throws(CommandError) -> String {
    let start = MonotonicTime.now
    defer { sender.observeIfLong(.secret, since: start) }
    do throws(SecretReference.Fault) {
      return try await secret.resolve(
        connection.secrets, by: deadline.current)
    } catch {
      throw error.error(reading: name)
    }
  }

  /// Sends a request with the credential of `authenticator`, and once more with a new one if the
  /// vendor rejects it.
  ///
  /// - Throws: if signing in failed, or no response arrived. Not thrown: any status.
  public func send<Credential>(
    _ request: HTTPRequest, with authenticator: Authenticator<Credential>,
    refusedByRate rateRefusal: (HTTPResponse) -> RateRefusal? = RateRefusal.of429
  ) async throws(CommandError) -> HTTPResponse {
    let response = try await authenticator.send(request, in: sender, refusedByRate: rateRefusal)
    received(bytes: response.body.count)
    return response
  }
}

extension Authenticator {
  /// An authenticator of one connection.
  ///
  /// - Parameters:
  ///   - texts: the texts that `refresh` has added to the secrets, once each per sign-in.
  ///   - header: the value of the Authorization header.
  ///   - isStale: whether to replace a credential before it is sent.
  ///   - isExpired: whether a response means that the credential is no longer valid.
  ///   - isReplaced: whether a new credential differs, so that a repetition makes sense.
  ///   - refresh: gets a credential, in the invocation of the sign-in. `old` is nil the first time,
  ///     and after a failure.
  public convenience init(
    on connection: Connection, texts: @escaping @Sendable (Credential) -> [String],
    header: @escaping @Sendable (Credential) -> String,
    isStale: @escaping @Sendable (Credential) -> Bool = { _ in false },
    isExpired: @escaping @Sendable (Credential, HTTPResponse) -> Bool = { $1.status == 401 },
    isReplaced: @escaping @Sendable (_ old: Credential, _ new: Credential) -> Bool = { _, _ in
      true
    },
    refresh:
      @escaping @Sendable (_ old: Credential?, _ signIn: Invocation)
      async throws(CommandError) -> Credential
  ) {
    self.init(
      secrets: connection.secrets, texts: texts, header: header, isStale: isStale,
      isExpired: isExpired, isReplaced: isReplaced
    ) { (old, mayWait) async throws(CommandError) in
      try await refresh(old, .signIn(on: connection, mayWait: mayWait))
    }
  }

  /// Signs in unless a credential is at hand.
  public func prepare(in invocation: Invocation) async throws(CommandError) {
    _ = try await holding(in: invocation.sender)
  }
}
