/// Why a request gets an error instead of the response of its handler.
package enum Refusal: Sendable {
  /// Admission is closed.
  case stopping
  /// The request was cancelled before it started.
  case cancelled(CancelReason)
  /// The response would exceed the limit.
  ///
  /// - hasRun: whether the request has started.
  case tooLarge(maximumBytes: Int, hasRun: Bool)
  /// The deadline passed before the request started.
  case timedOut
}
