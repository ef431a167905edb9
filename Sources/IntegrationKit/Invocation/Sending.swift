import Basics
import HTTP
import RateLimits

/// Reaching the vendor.
extension Invocation {
  /// Whether sending a request twice leaves the vendor as sending it once does.
  private func isRepeatable(_ request: HTTPRequest) -> Bool {
    guard !request.callerResolvesOutcome else { return false }
    return command.effect == .read || command.isIdempotent || request.isSideEffectFree
  }

  /// What is known after a request that may have arrived got no usable answer.
  public var outcomeAfterSending: CommandError.Outcome {
    command.effect == .read ? .notApplied : .unknown
  }

  private func outcomeAfterSending(_ request: HTTPRequest) -> CommandError.Outcome {
    request.isSideEffectFree ? .notApplied : outcomeAfterSending
  }

  /// Sends a request within the connection's limits, again where that is safe.
  ///
  /// - Parameter rateRefusal: which answers say "too often"; 429 does for every vendor.
  /// - Throws: when no answer came, or a wait does not fit the deadline. Not thrown: any status.
  public func send(
    _ request: HTTPRequest,
    refusedByRate rateRefusal: (HTTPResponse) -> RateRefusal? = RateRefusal.of429
  ) async throws(CommandError) -> HTTPResponse {
    var request = request
    if command.effect == .read && !request.isSecret { request.isSideEffectFree = true }
    do throws(CommandError) {
      var response = try await sendWithRetries(request, rateRefusal)
      // Errors quote the start of a body; a cut through a secret would leave half of it.
      if !response.isSuccess { response.body = connection.secrets.redact(response.body) }
      return response
    } catch {
      throw withRemedy(error)
    }
  }

  private func sendWithRetries(
    _ request: HTTPRequest, _ rateRefusal: (HTTPResponse) -> RateRefusal?
  ) async throws(CommandError) -> HTTPResponse {
    let isRepeatable = isRepeatable(request)
    var attempt = 1
    while true {
      let delay: Int
      var reason = "retry"
      switch try await sendOnce(request, rateRefusal) {
      case .success(let answer):
        let response = answer.response
        guard
          let backOff = retryPolicy.delay(
            afterStatus: answer.refusal == nil ? response.status : 429,
            retryAfterMilliseconds: answer.refusal?.retryAfterMilliseconds
              ?? response.retryAfterMilliseconds,
            attempt: attempt, isRepeatable: isRepeatable, randomness: .random(in: 0...1))
        else { return response }
        let wait = max(backOff, answer.pauseMilliseconds)
        // An answer in hand is worth more than a retry that cannot come in time.
        let isRateLimit = answer.refusal != nil
        if isRateLimit { reason = "rate_limited" }
        guard isRateLimit ? canWait(milliseconds: wait) : wait < remainingMilliseconds else {
          return response
        }
        if response.status >= 500 { noteUnclear(request) }
        delay = wait
      case .failure(let error):
        let outcome = error.mayHaveArrived ? outcomeAfterSending(request) : .notApplied
        if error.mayHaveArrived { noteUnclear(request) }
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

  /// Waits before another attempt at what is sent in an own way, as `send` does before its own.
  ///
  /// - Parameter attempt: from 1, the one that brought nothing.
  /// - Returns: false when there is to be no further one, or no time for it.
  public func mayTryAgain(afterAttempt attempt: Int) async throws(CommandError) -> Bool {
    guard
      let delay = retryPolicy.delay(
        afterStatus: 503, retryAfterMilliseconds: nil, attempt: attempt, isRepeatable: true,
        randomness: .random(in: 0...1)),
      delay < remainingMilliseconds
    else { return false }
    note { $0.retries += 1 }
    do throws(CommandError) {
      try await wait(milliseconds: delay, reason: "retry")
    } catch {
      throw withRemedy(error)
    }
    return true
  }

  /// Leaves the whole time for what is still to come, unless the caller gave a deadline: for what is
  /// too large for one.
  public func noteHeadway() { deadline.move(pastWaitUntil: .now) }

  private struct Answer {
    let response: HTTPResponse
    /// Nil where it does not say "too often".
    let refusal: RateRefusal?
    /// For which nothing is sent.
    let pauseMilliseconds: Int
  }

  /// Tells all who share the limit what an answer says of it.
  private func notePace(
    of response: HTTPResponse, _ rateRefusal: (HTTPResponse) -> RateRefusal?
  ) -> Answer {
    let limiter = connection.limiter
    guard !response.isSuccess, let refusal = rateRefusal(response) else {
      limiter.accepted(commandID, command.rateLimit)
      return Answer(response: response, refusal: nil, pauseMilliseconds: 0)
    }
    let pause = limiter.refused(
      commandID, command.rateLimit, retryAfterMilliseconds: refusal.retryAfterMilliseconds)
    return Answer(response: response, refusal: refusal, pauseMilliseconds: pause)
  }

  /// One attempt, within the connection's limits. Its slot is free again for others while this one
  /// waits before a further attempt; those find the pause that this one was told of.
  private func sendOnce(
    _ request: HTTPRequest, _ rateRefusal: (HTTPResponse) -> RateRefusal?
  ) async throws(CommandError) -> Result<Answer, TransportError> {
    try await passGate(takePlaceAndSlot())
    defer { connection.slots.releaseIfLimited() }
    note { $0.requests += 1 }
    do throws(TransportError) {
      let response = try await connection.transport.send(
        request, through: connection.route, deadline: deadline.current)
      let answer = notePace(of: response, rateRefusal)
      gate?.leave(status: response.status)
      return .success(answer)
    } catch {
      gate?.leave(status: nil)
      return .failure(error)
    }
  }

  /// Asks for the turn to send, with a place and a slot in hand, which are given back when there is
  /// none. While another target finds out whether the credentials are good, it may need them, and
  /// what is sent after that counts then.
  private func passGate(_ place: RatePlace) async throws(CommandError) {
    var place = place
    while let gate {
      switch gate.enter() {
      case .go: return
      case .stop:
        place.release()
        connection.slots.releaseIfLimited()
        throw .cancelled(outcome: .notApplied)
      case .wait(let latch):
        place.release()
        connection.slots.releaseIfLimited()
        guard await latch.wait(until: deadline.current) else {
          throw stopped("Waiting for another target's sign-in", outcome: .notApplied)
        }
        place = try await takePlaceAndSlot()
      }
    }
  }

  /// An attempt may have been applied, whatever becomes of the next ones.
  private func noteUnclear(_ request: HTTPRequest) {
    if command.effect != .read && !request.isSideEffectFree {
      counters.withLock { $0.isUnclear = true }
    }
  }

  /// The start of a body, to be shown.
  public func excerpt(of body: [UInt8], bytes: Int) -> ArraySlice<UInt8> {
    connection.secrets.redact(body).prefix(bytes)
  }

  /// The error of what an earlier request that got no usable answer may have done.
  func doubting(_ error: CommandError) -> CommandError {
    var error = error
    error.outcome = outcomeAfterSending
    return withRemedy(error)
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
}

extension RateRefusal {
  /// Of RFC 6585, with the time that Retry-After names.
  public static func of429(_ response: HTTPResponse) -> RateRefusal? {
    response.status == 429
      ? RateRefusal(retryAfterMilliseconds: response.retryAfterMilliseconds) : nil
  }
}
