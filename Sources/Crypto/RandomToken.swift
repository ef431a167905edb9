import Basics

/// Unguessable values: the `state` of an authorization request (RFC 6749 section 10.12), the tokens
/// of the emulated vendors.
package enum RandomToken {
  /// Random bytes of the system's generator in Base64url without padding; 43 characters by default.
  package static func make(bytes count: Int = 32) -> String {
    var generator = SystemRandomNumberGenerator()
    var bytes: [UInt8] = []
    // Eight bytes at a time: each call is a system call.
    while bytes.count < count {
      withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
    }
    return Base64.encode(bytes.prefix(count), alphabet: .urlSafe, padded: false)
  }
}
