/// What is wrong with a key. Never quotes any of it, so it is safe to show.
package struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// There is no PEM in the text, or none of a key of that sort.
    case notPEM
    /// It needs a passphrase, which is never asked for.
    case encrypted
    /// A key of another algorithm, such as EC.
    case notRSA
    /// Its end is missing.
    case truncated
    /// It is no well-formed key, or its parts do not belong together.
    case damaged
    /// Below `RSAKeySize.minimumBits`.
    case tooShort
    /// libcrypto cannot be used.
    case unavailable
  }

  package var kind: Kind
  /// The rest of a sentence that starts with the key.
  package var reason: String

  package var description: String { "the key \(reason)" }

  static let noPEM = KeyError(
    kind: .notPEM, reason: "is not in PEM: it has no line such as -----BEGIN PRIVATE KEY-----")

  static func otherPEM(_ wanted: String) -> KeyError {
    KeyError(kind: .notPEM, reason: "is PEM of something else than \(wanted)")
  }

  static let encrypted = KeyError(
    kind: .encrypted, reason: "is encrypted; store it without a passphrase, as a secret")

  static let notRSA = KeyError(
    kind: .notRSA, reason: "is of another algorithm than RSA, which RS256 needs")

  static let truncated = KeyError(
    kind: .truncated, reason: "is cut short; it goes up to and with the -----END line")

  static func damaged(_ reason: String) -> KeyError { KeyError(kind: .damaged, reason: reason) }

  static func tooShort(bits: Int) -> KeyError {
    KeyError(
      kind: .tooShort,
      reason: "has \(bits) bits; RS256 needs \(RSAKeySize.minimumBits) or more (RFC 7518)")
  }

  init(kind: Kind, reason: String) {
    self.kind = kind
    self.reason = reason
  }

  init(_ error: CryptoError) {
    self.init(kind: .unavailable, reason: "cannot be used: \(error.reason)")
  }
}
