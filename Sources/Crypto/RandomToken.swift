import Basics

/// Values that nobody can guess: the `state` of an authorization request (RFC 6749 section 10.12),
/// the emulated vendors' tokens.
package enum RandomToken {
  /// Base64url without padding, of the system's random generator; 43 characters unless told
  /// otherwise.
  package static func make(bytes count: Int = 32) -> String {
    var generator = SystemRandomNumberGenerator()
    var bytes: [UInt8] = []
    // Eight at a time: each call is one of the system.
    while bytes.count < count {
      withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
    }
    return Base64.encode(bytes.prefix(count), alphabet: .urlSafe, padded: false)
  }
}
