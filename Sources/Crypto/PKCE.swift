import Basics

/// Proof Key for Code Exchange (RFC 7636) with the method S256. It proves that the client that
/// redeems an authorization code is the one that requested it.
package struct PKCE: Sendable {
  /// The value of `code_challenge_method`.
  package static let method = "S256"

  /// Sent when the code is redeemed. Secret until then.
  package let verifier: String
  /// Sent with the authorization request.
  package let challenge: String

  /// Creates a verifier of 256 random bits, as section 7.1 recommends.
  package init() throws(CryptoError) {
    verifier = RandomToken.make()
    challenge = try Self.challenge(of: verifier)
  }

  /// The SHA-256 digest of a verifier, in Base64url without padding.
  package static func challenge(of verifier: String) throws(CryptoError) -> String {
    let digest = try Digest.bytes(.sha256, Array(verifier.utf8))
    return Base64.encode(digest, alphabet: .urlSafe, padded: false)
  }

  /// Server side: whether a verifier is well-formed and matches the challenge.
  package static func verify(
    _ verifier: String, challenge: String
  ) throws(CryptoError) -> Bool {
    guard isVerifier(verifier) else { return false }
    return SecretComparison.areEqual(try Self.challenge(of: verifier), challenge)
  }

  /// Section 4.1: 43 to 128 unreserved characters.
  package static func isVerifier(_ text: String) -> Bool {
    (43...128).contains(text.utf8.count) && text.utf8.allSatisfy(PercentEncoding.isUnreserved)
  }
}
