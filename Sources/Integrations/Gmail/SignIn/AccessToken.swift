import Basics

/// An access token from the token endpoint.
struct AccessToken: Sendable {
  let text: String
  /// The time from which it is not used any more, shortly before it expires.
  let staleAt: MonotonicTime

  /// A token is not used in the last seconds of its lifetime. The value is that of Google's
  /// clients.
  private static let marginSeconds: Int64 = 225

  /// The upper limit for a received lifetime. Google's tokens are valid for one hour.
  private static let maximumLifetimeSeconds: Int64 = 86_400

  init(_ text: String, lifetimeSeconds: Int64) {
    self.text = text
    let lifetime = min(max(lifetimeSeconds, 0), Self.maximumLifetimeSeconds)
    let useful = max(lifetime - Self.marginSeconds, lifetime / 2)
    staleAt = MonotonicTime.now.adding(milliseconds: Int(useful) * 1_000)
  }

  var isStale: Bool { MonotonicTime.now >= staleAt }
}
