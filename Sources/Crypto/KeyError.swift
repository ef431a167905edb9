/// Why a key is rejected. Never quotes the key, so it is safe to show.
package struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// The text contains no PEM, or no PEM of the expected key type.
    case notPEM
    /// The key needs a passphrase. Passphrases are not supported.
    case encrypted
    /// The key uses another algorithm, such as EC.
    case notRSA
    /// The end of the PEM block is missing.
    case truncated
    /// The key is malformed, or its parts do not match.
    case damaged
    /// Shorter than `RSAKeySize.minimumBits`.
    case tooShort
    /// libcrypto cannot be used.
    case unavailable
    /// libcrypto cannot be used, because the system refuses a descriptor.
    case shortage
  }

  package var kind: Kind
  /// A predicate; the subject is the key.
  package var reason: String

  package var description: String { "the key \(reason)" }

  static let noPEM = KeyError(
    kind: .notPEM, reason: "is not PEM: no line such as -----BEGIN PRIVATE KEY-----")

  static func otherPEM(_ wanted: String) -> KeyError {
    KeyError(kind: .notPEM, reason: "is PEM, but not \(wanted)")
  }

  static let encrypted = KeyError(
    kind: .encrypted, reason: "is encrypted; store it without a passphrase, as a secret")

  static let notRSA = KeyError(
    kind: .notRSA, reason: "is not an RSA key; RS256 requires RSA")

  static let truncated = KeyError(
    kind: .truncated, reason: "is truncated; include the -----END line")

  static func damaged(_ reason: String) -> KeyError { KeyError(kind: .damaged, reason: reason) }

  static func tooShort(bits: Int) -> KeyError {
    KeyError(
      kind: .tooShort,
      reason: "has \(bits) bits; RS256 requires at least \(RSAKeySize.minimumBits) (RFC 7518)")
  }

  init(kind: Kind, reason: String) {
    self.kind = kind
    self.reason = reason
  }

  init(_ error: CryptoError) {
    self.init(
      kind: error.isShortage ? .shortage : .unavailable, reason: "cannot be used: \(error.reason)")
  }
}
