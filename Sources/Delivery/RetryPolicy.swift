import HTTP

/// When a failed request is retried.
///
/// - A request that did not arrive, or that the vendor refused before processing it, is always retried.
/// - 429 means that nothing was done: every request is retried, after the time that the vendor names.
/// - After 408, 5xx, a timeout or a broken connection the vendor may have acted: only requests whose
///   repetition has no further effect are retried.
package struct RetryPolicy: Sendable {
  /// Attempts per request, the first one included.
  package var attempts: Int
  /// The first back-off, which doubles with each attempt. The wait is 50 to 100 % of it, at random, so
  /// that callers do not retry in step.
  package var baseMilliseconds: Int
  package var maximumMilliseconds: Int

  package init(
    attempts: Int = 4, baseMilliseconds: Int = 250, maximumMilliseconds: Int = 8_000
  ) {
    self.attempts = attempts
    self.baseMilliseconds = baseMilliseconds
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// The delay after `attempt` (from 1) got a response with that status.
  ///
  /// - Parameters:
  ///   - isRepeatable: whether a repetition has no further effect.
  ///   - randomness: from 0 to 1, the share of the random half. Read only before a back-off.
  /// - Returns: milliseconds until the next attempt, or nil for none.
  package func delay(
    afterStatus status: Int, retryAfterMilliseconds: Int?, attempt: Int, isRepeatable: Bool,
    randomness: @autoclosure () -> Double = .random(in: 0...1)
  ) -> Int? {
    guard attempt < attempts else { return nil }
    switch status {
    case 429: break
    case _ where HTTPStatus.isTransient(status): if !isRepeatable { return nil }
    default: return nil
    }
    return retryAfterMilliseconds ?? backOff(attempt, randomness())
  }

  /// The delay after `attempt` (from 1) ended with a transport error.
  package func delay(
    after error: TransportError, attempt: Int, isRepeatable: Bool,
    randomness: @autoclosure () -> Double = .random(in: 0...1)
  ) -> Int? {
    guard attempt < attempts else { return nil }
    switch error.kind {
    case .cannotConnect, .refused: return backOff(attempt, randomness())
    case .timedOut, .interrupted, .shortage:
      return !error.mayHaveArrived || isRepeatable ? backOff(attempt, randomness()) : nil
    case .tls, .caFile, .clientCertificate, .proxy, .invalidURL, .responseTooLarge, .undecodable,
      .tooManyRedirects, .cancelled, .unavailable:
      return nil
    }
  }

  private func backOff(_ attempt: Int, _ randomness: Double) -> Int {
    let full = min(maximumMilliseconds, baseMilliseconds << min(attempt - 1, 16))
    return full / 2 + Int(Double(full - full / 2) * randomness)
  }
}
