/// An answer that says "too often", whatever its status; nothing was done.
package struct RateRefusal: Sendable {
  /// Nil where the vendor names no time.
  package var retryAfterMilliseconds: Int?

  package init(retryAfterMilliseconds: Int?) {
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }
}
