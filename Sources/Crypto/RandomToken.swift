import Basics

/// Values that nobody can guess: the `state` of an authorization request (RFC 6749 section 10.12),
/// the emulated vendors' tokens.
public enum RandomToken {
  /// Base64url without padding, of the system's random generator; 43 characters unless told
  /// otherwise.
  public static func make(bytes count: Int = 32) -> String {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<count).map { _ in generator.next() as UInt8 }
    return Base64.encode(bytes, alphabet: .urlSafe, padded: false)
  }
}
