/// Why a text is no token that can be trusted. Never quotes it.
package struct JWTError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    case malformed
    /// Signed with another algorithm, or not at all.
    case algorithm
    /// Not signed by that key.
    case signature
    /// libcrypto cannot be used.
    case unavailable
  }

  package var kind: Kind
  /// The rest of a sentence that starts with the token.
  package var reason: String

  package var description: String { "the token \(reason)" }

  static func malformed(_ reason: String) -> JWTError {
    JWTError(kind: .malformed, reason: reason)
  }

  static let algorithm = JWTError(
    kind: .algorithm, reason: "is not signed with \(JWT.algorithm)")

  static let signature = JWTError(
    kind: .signature, reason: "has a signature that its signer's key does not verify")

  static func unavailable(_ error: CryptoError) -> JWTError {
    JWTError(kind: .unavailable, reason: "cannot be verified: \(error.reason)")
  }
}
