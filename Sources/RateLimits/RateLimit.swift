/// So many requests in so many seconds.
public struct RateLimit: Sendable, Equatable {
  public var requests: Int
  public var perSeconds: Double

  public init(requests: Int, perSeconds: Double) {
    precondition(requests > 0 && perSeconds > 0, "a limit that lets nothing pass")
    self.requests = requests
    self.perSeconds = perSeconds
  }

  /// The window in which a bucket counts.
  ///
  /// A limit of more requests than a bucket remembers is kept to in equal parts of its window: who
  /// keeps to each part keeps to the whole.
  var window: (requests: Int, nanoseconds: Int64) {
    let parts = (requests + RateBucket.maximumRequests - 1) / RateBucket.maximumRequests
    let nanoseconds = perSeconds * 1_000_000_000 / Double(parts)
    return (requests / parts, max(1, Int64(nanoseconds.rounded(.up))))
  }
}
