import Basics

/// When a request is sent again, by what may have happened to the first one.
///
/// - A request that did not arrive is always sent again.
/// - 429 was refused before anything was done: it is repeated for every request, after the time that
///   the vendor names.
/// - After 5xx, timeouts and broken connections the outcome is unknown: retried only if the request is
///   idempotent.
public struct RetryPolicy: Sendable {
  /// Maximum number of attempts per request, including the first one.
  public var attempts: Int
  /// The first back-off. It doubles per attempt. 50 % of it is random, so that many callers do not
  /// retry at the same time.
  public var baseMilliseconds: Int
  public var maximumMilliseconds: Int

  public init(attempts: Int = 4, baseMilliseconds: Int = 250, maximumMilliseconds: Int = 8_000) {
    self.attempts = attempts
    self.baseMilliseconds = baseMilliseconds
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// What to do after `attempt` (from 1) was answered with a status.
  ///
  /// - Parameters:
  ///   - isRepeatable: whether acting twice is the same as acting once.
  ///   - randomness: 0 to 1, the part of the random half that is taken.
  /// - Returns: milliseconds to wait before the next attempt, or nil to give up.
  public func delay(
    afterStatus status: Int, retryAfterMilliseconds: Int?, attempt: Int, isRepeatable: Bool,
    randomness: Double
  ) -> Int? {
    guard attempt < attempts else { return nil }
    switch status {
    case 429: break
    case 500, 502, 503, 504: if !isRepeatable { return nil }
    default: return nil
    }
    return retryAfterMilliseconds ?? backOff(attempt, randomness)
  }

  /// The same after a transport error.
  public func delay(
    after error: TransportError, attempt: Int, isRepeatable: Bool, randomness: Double
  ) -> Int? {
    guard attempt < attempts else { return nil }
    switch error.kind {
    case .cannotConnect: return backOff(attempt, randomness)
    case .timedOut, .interrupted:
      return !error.mayHaveArrived || isRepeatable ? backOff(attempt, randomness) : nil
    case .tls, .responseTooLarge, .tooManyRedirects, .cancelled, .unavailable: return nil
    }
  }

  private func backOff(_ attempt: Int, _ randomness: Double) -> Int {
    let full = min(maximumMilliseconds, baseMilliseconds << min(attempt - 1, 16))
    return full / 2 + Int(Double(full - full / 2) * randomness)
  }
}
