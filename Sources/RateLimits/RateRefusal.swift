/// A response that means "too many requests", whatever its status. Nothing was done.
public struct RateRefusal: Sendable {
  /// Nil if the vendor names no time.
  public var retryAfterMilliseconds: Int?

  public init(retryAfterMilliseconds: Int?) {
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }
}
