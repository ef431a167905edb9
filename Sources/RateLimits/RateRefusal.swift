/// An answer that says "too often", whatever its status; nothing was done.
public struct RateRefusal: Sendable {
  /// Nil where the vendor names no time.
  public var retryAfterMilliseconds: Int?

  public init(retryAfterMilliseconds: Int?) {
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }
}
