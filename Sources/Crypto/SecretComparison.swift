import COpenSSL

/// Comparing what a stranger sent with a secret.
package enum SecretComparison {
  /// Whether both are the same bytes, in a time that depends on their lengths only, so that it does
  /// not tell how much of a guess is right. The length of a token is no secret.
  package static func areEqual(_ one: String, _ other: String) -> Bool {
    areEqual(Array(one.utf8), Array(other.utf8))
  }

  package static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count && sallyport_same_bytes(one, other, one.count) == 1
  }
}
