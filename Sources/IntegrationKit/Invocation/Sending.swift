// An integration sees errors, outcomes and rate refusals through the kit.
@_exported import Delivery
import HTTP
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
    try await sender.send(request, refusedByRate: rateRefusal)
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

  /// Adds to an error with an unknown outcome how to find out.
  public func withRemedy(_ error: CommandError) -> CommandError { sender.withRemedy(error) }

  /// The start of a body, to be shown.
  public func excerpt(of body: [UInt8], bytes: Int) -> ArraySlice<UInt8> {
    sender.excerpt(of: body, bytes: bytes)
  }
}
