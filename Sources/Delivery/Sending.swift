import Basics
import HTTP
import RateLimits

extension Sender {
  /// Whether a repetition of the request has no further effect.
  private func isRepeatable(_ request: HTTPRequest) -> Bool {
    guard !request.callerResolvesOutcome else { return false }
    return !operation.changesSomething || operation.isIdempotent || request.isSideEffectFree
  }

  /// The outcome of a request that may have arrived and got no usable response.
  package var outcomeAfterSending: CommandError.Outcome {
    operation.changesSomething ? .unknown : .notApplied
  }

  /// The outcome of a request that got an error with this status.
  package func outcome(afterStatus status: Int) -> CommandError.Outcome {
    HTTPStatus.leavesOutcomeOpen(status) ? outcomeAfterSending : .notApplied
  }

  private func outcomeAfterSending(_ request: HTTPRequest) -> CommandError.Outcome {
    request.isSideEffectFree ? .notApplied : outcomeAfterSending
  }

  /// Sends a request within the limits of the connection and retries it where that is safe.
  ///
  /// - Parameter rateRefusal: recognises responses that mean "too many requests".
  /// - Throws: if no response arrived, or a wait does not fit the deadline. Not thrown: any status.
  package func send(
    _ request: HTTPRequest,
    refusedByRate rateRefusal: (HTTPResponse) -> RateRefusal? = RateRefusal.of429
  ) async throws(CommandError) -> HTTPResponse {
    var request = request
    if !operation.changesSomething && !request.isSecret { request.isSideEffectFree = true }
    do throws(CommandError) {
      var response = try await sendWithRetries(request, rateRefusal)
      if let location = Redirect.location(response) {
        throw CommandError.redirect(response, to: location, of: request)
      }
      // Errors quote the start of a body; a cut through a secret would leave a part of it.
      if !response.isSuccess, response.body.count > HTTPResponse.excerptBytes {
        response.body = channel.secrets.redact(response.body)
      }
      return response
    } catch {
      throw withRemedy(error)
    }
  }

  private func sendWithRetries(
    _ request: HTTPRequest, _ rateRefusal: (HTTPResponse) -> RateRefusal?
  ) async throws(CommandError) -> HTTPResponse {
    var request = request
    let isRepeatable = isRepeatable(request)
    var attempt = 1
    while true {
      let delay: Int
      var isRateLimit = false
      var end: RatePauseEnd?
      switch try await follow(request, rateRefusal, attempt: attempt) {
      case .success(let answer):
        var response = answer.response
        // The pause is what the next request waits for, also if the vendor names no time.
        if answer.refusal?.isRetryable == true {
          response.rateWaitMilliseconds = answer.pause.milliseconds
        }
        guard
          let backOff = retryPolicy.delay(
            afterStatus: answer.refusal == nil ? response.status : 429,
            retryAfterMilliseconds: (answer.refusal?.retryAfter ?? response.retryAfter)?
              .milliseconds,
            attempt: attempt, isRepeatable: isRepeatable), answer.refusal?.isRetryable ?? true
        else { return response }
        let wait = max(backOff, answer.pause.milliseconds)
        end = answer.pause.end
        // A response at hand is worth more than a retry that cannot be in time.
        isRateLimit = answer.refusal != nil
        guard isRateLimit ? canWait(milliseconds: wait) : wait < remainingMilliseconds else {
          return response
        }
        if HTTPStatus.leavesOutcomeOpen(response.status) { markMayHaveBeenApplied(request) }
        delay = wait
      case .failure(let error):
        let outcome = error.mayHaveArrived ? outcomeAfterSending(request) : .notApplied
        if error.mayHaveArrived { markMayHaveBeenApplied(request) }
        if error.kind == .interrupted { request.needsNewConnection = true }
        guard
          let wait = retryPolicy.delay(
            after: error, attempt: attempt, isRepeatable: isRepeatable),
          wait < remainingMilliseconds
        else { throw .transport(error, outcome: outcome) }
        delay = wait
      }
      attempt += 1
      count { $0.retries += 1 }
      guard await wait(milliseconds: delay, isRateLimit: isRateLimit, endedBy: end) else {
        throw .cancelled(outcome: .notApplied)
      }
    }
  }

  /// Waits before the next attempt of a protocol that retries by itself, with the back-off of `send`.
  ///
  /// - Parameter attempt: from 1, the one that failed.
  /// - Returns: false if no further attempt is left, or no time for it.
  package func mayRetry(afterAttempt attempt: Int) async throws(CommandError) -> Bool {
    guard
      let delay = retryPolicy.delay(
        afterStatus: 503, retryAfterMilliseconds: nil, attempt: attempt, isRepeatable: true),
      delay < remainingMilliseconds
    else { return false }
    count { $0.retries += 1 }
    guard await wait(milliseconds: delay, isRateLimit: false) else {
      throw withRemedy(.cancelled(outcome: .notApplied))
    }
    return true
  }

  private struct Answer {
    let response: HTTPResponse
    /// Nil unless the response means "too many requests".
    let refusal: RateRefusal?
    /// For which nothing is sent.
    let pause: RatePause
  }

  /// Records in the shared limit what a response says about it.
  private func recordRate(
    of response: HTTPResponse, _ rateRefusal: (HTTPResponse) -> RateRefusal?
  ) async -> Answer {
    let limiter = channel.limiter
    guard !response.isSuccess, let refusal = rateRefusal(response) else {
      limiter.accepted(operation.id, operation.quota)
      return Answer(response: response, refusal: nil, pause: .none)
    }
    return Answer(response: response, refusal: refusal, pause: await pauseRate(after: refusal))
  }

  /// Pauses the rate limit after the vendor refused a part of a request that it accepted otherwise.
  /// For whole requests `send` does so.
  @discardableResult
  package func pauseRate(after refusal: RateRefusal) async -> RatePause {
    // A quota that is used up for long comes back at a time that only the vendor knows.
    guard refusal.isRetryable || refusal.retryAfter != nil else { return .none }
    return await channel.limiter.refused(
      operation.id, operation.quota, refusal.retryAfter, by: deadline.current)
  }

  /// Maximum number of redirects that an attempt follows.
  private static let maximumRedirects = 5

  /// One attempt, with the redirects that it leads to. Each is a request within the limits.
  private func follow(
    _ request: HTTPRequest, _ rateRefusal: (HTTPResponse) -> RateRefusal?, attempt: Int
  ) async throws(CommandError) -> Result<Answer, TransportError> {
    var request = request
    for _ in 0...Self.maximumRedirects {
      let result = try await attemptOnce(request, rateRefusal, number: attempt)
      guard case .success(let answer) = result,
        let next = channel.transport.next(after: request, answer.response)
      else { return result }
      request = next
    }
    return .failure(
      TransportError(
        .tooManyRedirects, "more than \(Self.maximumRedirects) redirects", mayHaveArrived: false))
  }

  /// One request within the limits of the connection. Its slot is free during the back-off after it;
  /// requests that take the slot then see the pause that this response asked for.
  private func attemptOnce(
    _ request: HTTPRequest, _ rateRefusal: (HTTPResponse) -> RateRefusal?, number: Int
  ) async throws(CommandError) -> Result<Answer, TransportError> {
    var route = channel.route
    let password = try await channel.clientKeyPassword?.holding(in: self)
    route.clientKeyPassword = password?.value
    let weight = request.rateWeight
    let reservation = try await passGate(acquireRateAndConcurrency(weight), weight)
    defer { channel.concurrency.release() }
    let firstSend =
      operation.changesSomething && !request.isSideEffectFree ? self.firstSend : nil
    if let firstSend {
      let start = time.now
      defer { observeIfLong(.queue, since: start) }
      do throws(CommandError) {
        // It has a slot and a reservation, which others need.
        try await firstSend.pass(
          until: deadline.current.orEarlier(inMilliseconds: FirstSend.patienceMilliseconds))
      } catch {
        reservation.release()
        gate?.leave(status: nil)
        throw error
      }
    }
    count { $0.requests += 1 }
    let start = time.now
    do throws(TransportError) {
      let response = try await channel.transport.send(
        request, through: route, deadline: deadline.current)
      observe(request, .status(response.status), since: start, number: number)
      let answer = await recordRate(of: response, rateRefusal)
      gate?.leave(status: response.status)
      if answer.refusal != nil { firstSend?.refused() }
      return .success(answer)
    } catch {
      observe(request, .error(error.kind), since: start, number: number)
      gate?.leave(status: nil)
      if !error.mayHaveArrived { firstSend?.refused() }
      if error.kind == .clientCertificate, let password {
        channel.clientKeyPassword?.reject(password)
      }
      return .failure(error)
    }
  }

  /// Passes the gate with a reservation and a slot, and releases both if the gate is closed: another
  /// target that signs in may need them. A request counts for the limit when it is sent.
  ///
  /// - Returns: the reservation, which counts as sent now unless it is released.
  private func passGate(
    _ reservation: RateReservation, _ weight: Int
  ) async throws(CommandError) -> RateReservation {
    var reservation = reservation
    while let gate {
      switch gate.enter() {
      case .proceed: return reservation
      case .stop:
        reservation.release()
        channel.concurrency.release()
        throw .cancelled(outcome: .notApplied)
      case .wait(let latch, let reason):
        reservation.release()
        channel.concurrency.release()
        let latest = deadline.current
        let start = time.now
        defer { observe(reason, since: start) }
        guard await latch.wait(on: time, untilLatestOf: { latest }) else {
          throw stopped("Waiting for other requests", outcome: .notApplied)
        }
        reservation = try await acquireRateAndConcurrency(weight)
      }
    }
    return reservation
  }

  // MARK: Errors

  /// The start of a body, redacted.
  func excerpt(of body: [UInt8], bytes: Int) -> ArraySlice<UInt8> {
    channel.secrets.redact(body).prefix(bytes)
  }

  /// The error after an earlier request that may have been applied and got no usable response.
  package func markingOutcomeUnknown(_ error: CommandError) -> CommandError {
    var error = error
    error.outcome = outcomeAfterSending
    return withRemedy(error)
  }

  /// Adds to an error with an unknown outcome how to find out.
  package func withRemedy(_ error: CommandError) -> CommandError {
    var error = error
    if counters.mayHaveBeenApplied { error.outcome = .unknown }
    guard error.outcome == .unknown, let readBack = operation.readBack else { return error }
    error.remedy =
      "It may have been applied: look with \(readBack) before repeating it."
    return error
  }
}

extension RateRefusal {
  /// Status 429 of RFC 6585, with the time of its Retry-After.
  public static func of429(_ response: HTTPResponse) -> RateRefusal? {
    response.status == 429 ? RateRefusal(retryAfter: response.retryAfter) : nil
  }
}
