import COpenSSL

/// Compares untrusted input with a secret.
package enum SecretComparison {
  /// Whether both values have the same bytes. The time depends only on their lengths, so it does
  /// not reveal how much of a guess is right. The length of a token is not secret.
  package static func areEqual(_ one: String, _ other: String) -> Bool {
    areEqual(Array(one.utf8), Array(other.utf8))
  }

  package static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count && sallyport_same_bytes(one, other, one.count) == 1
  }
}
