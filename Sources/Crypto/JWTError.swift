/// Why a token is rejected. Never quotes the token.
package struct JWTError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    case malformed
    /// Signed with another algorithm, or unsigned.
    case algorithm
    /// The signature does not match the key.
    case signature
    /// libcrypto cannot be used.
    case unavailable
  }

  package var kind: Kind
  /// A predicate; the subject is the token.
  package var reason: String

  package var description: String { "the token \(reason)" }

  static func malformed(_ reason: String) -> JWTError {
    JWTError(kind: .malformed, reason: reason)
  }

  static let algorithm = JWTError(
    kind: .algorithm, reason: "is not signed with \(JWT.algorithm)")

  static let signature = JWTError(
    kind: .signature, reason: "has an invalid signature")

  static func unavailable(_ error: CryptoError) -> JWTError {
    JWTError(kind: .unavailable, reason: "cannot be verified: \(error.reason)")
  }
}
