import Basics
import Crypto
import JSON

/// The signed assertion of a service account (RFC 7523): its identity, subject and scopes.
struct GoogleAssertion {
  let scopes: Set<GoogleScope>
  /// The user to impersonate.
  let subject: String?

  private static let audience = "https://oauth2.googleapis.com/token"
  /// Allowed clock skew.
  private static let leewaySeconds = 300
  private static let maximumLifeSeconds = 3_600

  /// - Parameters:
  ///   - endpoint: the URL of the token endpoint, as the client addressed it.
  ///   - now: in seconds since 1970.
  init(_ text: String, endpoint: String, now: Int) throws(GoogleTokenError) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count == 3, let header = Self.json(words[0]), let claims = Self.json(words[1])
    else { throw .invalidGrant("Bad Request") }
    guard header["alg"]?.string == "RS256", header["typ"]?.string ?? "JWT" == "JWT",
      let delegated = claims["iss"]?.string.flatMap({ GoogleServiceAccount.delegated[$0] }),
      header["kid"]?.string ?? GoogleServiceAccount.keyID == GoogleServiceAccount.keyID,
      GoogleServiceAccount.hasSigned(
        Array("\(words[0]).\(words[1])".utf8), TransferEncoding.base64(words[2].utf8))
    else { throw .wrongSignature }
    guard let intended = claims["aud"]?.string, intended == Self.audience || intended == endpoint
    else { throw .invalidGrant("Invalid JWT: Failed audience check.") }
    guard let issued = claims["iat"]?.integer.map(Int.init),
      let expires = claims["exp"]?.integer.map(Int.init),
      issued >= 0, issued <= now + Self.leewaySeconds, expires > now - Self.leewaySeconds,
      expires > issued,
      expires - issued <= Self.maximumLifeSeconds
    else { throw .wrongTimes }
    guard let scopes = GoogleScope.set(claims["scope"]?.string ?? "") else { throw .invalidScope }
    // A single scope that was not granted fails the request.
    guard scopes.isSubset(of: delegated) else { throw .unauthorized }
    self.scopes = scopes
    subject = claims["sub"]?.string
  }

  private static func json(_ word: Substring) -> JSON? {
    guard !word.contains("="), !word.contains("+"), !word.contains("/") else { return nil }
    let limits = JSONLimits(depth: 16)
    guard let json = try? JSON.parse(TransferEncoding.base64(word.utf8), limits: limits),
      json.kind == .object
    else { return nil }
    return json
  }
}
