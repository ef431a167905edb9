import HTTP

/// A response that means "too many requests", whatever its status. Nothing was done.
public struct RateRefusal: Sendable {
  /// Nil if the vendor names no time.
  public var retryAfter: RetryAfter?
  /// False if a quota is used up for long, such as that of a day: the request is not retried.
  public var isRetryable: Bool

  public init(retryAfter: RetryAfter?, isRetryable: Bool = true) {
    self.retryAfter = retryAfter
    self.isRetryable = isRetryable
  }
}
