import Basics

/// What the token endpoint hands out.
struct AccessToken: Sendable {
  let text: String
  /// When it is no longer used, somewhat before its end.
  let staleAt: MonotonicTime
  /// The ones before, which answers that are still on their way may hold.
  var superseded: [String] = []

  /// All that are kept out of the output.
  var texts: [String] { [text] + superseded }

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
