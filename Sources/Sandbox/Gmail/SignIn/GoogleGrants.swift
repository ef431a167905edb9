import Basics

/// All valid tokens and codes.
struct GoogleGrants {
  struct Access {
    /// Nil for a service account without a subject.
    var userID: String?
    var scopes: Set<GoogleScope>
    var expires: Int
  }

  struct Refresh {
    var userID: String
    var scopes: Set<GoogleScope>
  }

  struct Code {
    var userID: String
    var scopes: Set<GoogleScope>
    var redirect: String
    /// For PKCE (RFC 7636).
    var challenge: String?
    var isChallengeHashed: Bool
    var givesRefreshToken: Bool
    var expires: Int
  }

  static let accessSeconds = 3_599
  private static let codeSeconds = 600
  /// Maximum number of tokens. At the limit, expired tokens are dropped, then all.
  private static let capacity = 20_000
  /// Maximum number per user and client. A new token revokes the oldest one.
  private static let refreshCapacity = 100

  private var accesses: [String: Access] = [:]
  private var refreshes: [(token: String, grant: Refresh)] = []
  private var codes: [String: Code] = [:]

  mutating func issueAccess(
    userID: String?, scopes: Set<GoogleScope>, now: Int
  ) -> String {
    if accesses.count >= Self.capacity { accesses = accesses.filter { $0.value.expires > now } }
    if accesses.count >= Self.capacity { accesses.removeAll() }
    let token = "ya29.sandbox-" + Self.random(48)
    accesses[token] = Access(
      userID: userID, scopes: scopes, expires: now + Self.accessSeconds)
    return token
  }

  func access(_ token: String, now: Int) -> Access? {
    accesses[token].flatMap { $0.expires > now ? $0 : nil }
  }

  mutating func issueRefresh(_ grant: Refresh, token: String? = nil) -> String {
    let own = refreshes.indices.filter { refreshes[$0].grant.userID == grant.userID }
    if own.count >= Self.refreshCapacity { refreshes.remove(at: own[0]) }
    let token = token ?? "1//0" + Self.random(64)
    refreshes.append((token, grant))
    return token
  }

  func refresh(_ token: String) -> Refresh? { refreshes.first { $0.token == token }?.grant }

  func hasRefresh(ofUser userID: String) -> Bool {
    refreshes.contains { $0.grant.userID == userID }
  }

  /// - Parameter code: its `expires` is overwritten.
  mutating func issueCode(_ code: Code, now: Int) -> String {
    codes = codes.filter { $0.value.expires > now }
    var code = code
    code.expires = now + Self.codeSeconds
    let text = "4/0A" + Self.random(40)
    codes[text] = code
    return text
  }

  /// Consumes the code, also if its redemption fails.
  mutating func consumeCode(_ text: String, now: Int) -> Code? {
    codes.removeValue(forKey: text).flatMap { $0.expires > now ? $0 : nil }
  }

  mutating func revoke(_ token: String) {
    accesses[token] = nil
    refreshes.removeAll { $0.token == token }
  }

  /// Revokes all grants of a deleted user.
  mutating func revokeAll(ofUser userID: String) {
    accesses = accesses.filter { $0.value.userID != userID }
    refreshes.removeAll { $0.grant.userID == userID }
    codes = codes.filter { $0.value.userID != userID }
  }

  private static func random(_ bytes: Int) -> String {
    let bytes = (0..<bytes).map { _ in UInt8.random(in: 0...255) }
    return Base64.encode(bytes, alphabet: .urlSafe, padded: false)
  }
}
