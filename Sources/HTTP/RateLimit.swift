/// So many requests in so many seconds.
public struct RateLimit: Sendable, Equatable {
  /// Every request of a window is remembered, so that no window is too full wherever it begins.
  public static let maximumRequests = 4_096

  public var requests: Int
  public var perSeconds: Double

  public init(requests: Int, perSeconds: Double) {
    precondition(
      (1...Self.maximumRequests).contains(requests) && perSeconds > 0,
      "a limit that nobody can keep to")
    self.requests = requests
    self.perSeconds = perSeconds
  }

  /// The window in which a bucket counts.
  var window: (requests: Int, nanoseconds: Int64) {
    (requests, max(1, Int64((perSeconds * 1_000_000_000).rounded(.up))))
  }
}
