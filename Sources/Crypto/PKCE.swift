import Basics

/// Proof Key for Code Exchange (RFC 7636) with the method S256: who redeems an authorization code
/// shows that it was he who asked for it.
package struct PKCE: Sendable {
  /// What `code_challenge_method` says.
  package static let method = "S256"

  /// Sent with the code. A secret until then.
  package let verifier: String
  /// Sent when the code is asked for.
  package let challenge: String

  /// With a verifier of 256 random bits, as section 7.1 advises.
  package init() throws(CryptoError) {
    verifier = RandomToken.make()
    challenge = try Self.challenge(of: verifier)
  }

  /// Base64url without padding of the SHA-256 of a verifier.
  package static func challenge(of verifier: String) throws(CryptoError) -> String {
    let digest = try Digest.bytes(.sha256, Array(verifier.utf8))
    return Base64.encode(digest, alphabet: .urlSafe, padded: false)
  }

  /// The server's side: whether a verifier is well-formed and belongs to the challenge.
  package static func proves(
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
