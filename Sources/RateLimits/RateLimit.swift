/// A number of requests per number of seconds.
public struct RateLimit: Sendable, Equatable {
  public var requests: Int
  public var perSeconds: Double

  public init(requests: Int, perSeconds: Double) {
    precondition(requests > 0 && perSeconds > 0, "a limit without requests")
    self.requests = requests
    self.perSeconds = perSeconds
  }

  /// The window in which a bucket counts.
  ///
  /// A limit of more requests than a bucket counts applies to equal parts of its window: requests that
  /// keep within each part keep within the whole.
  var window: (requests: Int, nanoseconds: Int64) {
    let parts = (requests + RateBucket.maximumRequests - 1) / RateBucket.maximumRequests
    let nanoseconds = perSeconds * 1_000_000_000 / Double(parts)
    return (requests / parts, max(1, Int64(nanoseconds.rounded(.up))))
  }
}
