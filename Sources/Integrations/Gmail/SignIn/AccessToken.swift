import Basics

/// An access token of the token endpoint.
struct AccessToken: Sendable {
  let text: String
  /// When it is no longer used, somewhat before its end.
  let staleAt: MonotonicTime

  /// Seconds before its end in which a token is not used any more, as Google's own clients have it.
  private static let marginSeconds: Int64 = 225

  /// Seconds that a token is believed to be good for at most; Google's are for an hour.
  private static let maximumLifetimeSeconds: Int64 = 86_400

  init(_ text: String, lifetimeSeconds: Int64) {
    self.text = text
    let lifetime = min(max(lifetimeSeconds, 0), Self.maximumLifetimeSeconds)
    let useful = max(lifetime - Self.marginSeconds, lifetime / 2)
    staleAt = MonotonicTime.now.adding(milliseconds: Int(useful) * 1_000)
  }

  var isStale: Bool { MonotonicTime.now >= staleAt }
}
