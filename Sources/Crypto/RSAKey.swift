import COpenSSL

package enum RSAKeySize {
  /// The minimum for RS256 by RFC 7518 section 3.3.
  package static let minimumBits = 2048
}

/// A key in libcrypto's memory, freed with its last user.
///
/// @unchecked: a key does not change after it is read. libcrypto allows concurrent use of such a
/// key if each thread has a separate state (openssl-threads(7)).
final class RSAKey: @unchecked Sendable {
  private let library: KeyLibrary
  private let key: OpaquePointer

  /// Reads DER.
  ///
  /// - Parameter read: libcrypto's reader. It advances the pointer.
  init(
    _ der: [UInt8],
    by read: (KeyLibrary, UnsafeMutablePointer<KeyLibrary.Bytes>, Int) -> OpaquePointer?
  ) throws(KeyError) {
    let library: KeyLibrary
    do throws(CryptoError) { library = try KeyLibrary.shared.get() } catch { throw KeyError(error) }
    let key = der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return read(library, &start, bytes.count)
    }
    guard let key else {
      library.clearErrors()
      throw .damaged("is not a key that OpenSSL can read")
    }
    self.library = library
    self.key = key
    guard library.keyType(key) == EVP_PKEY_RSA else { throw .notRSA }
    let bits = Int(library.keyBits(key))
    guard bits >= RSAKeySize.minimumBits else { throw .tooShort(bits: bits) }
  }

  deinit { library.freeKey(key) }

  private var signatureBytes: Int { (Int(library.keyBits(key)) + 7) / 8 }

  func sign(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    let state = try begin(library.beginSigning)
    defer { library.freeState(state) }
    var signature = [UInt8](repeating: 0, count: signatureBytes)
    var length = signature.count
    guard library.sign(state, &signature, &length, bytes, bytes.count) == 1 else {
      library.clearErrors()
      throw CryptoError(reason: "EVP_DigestSign failed")
    }
    return Array(signature.prefix(length))
  }

  func verify(_ signature: [UInt8], of bytes: [UInt8]) throws(CryptoError) -> Bool {
    let state = try begin(library.beginVerifying)
    defer { library.freeState(state) }
    // The result is negative if the length of the signature is wrong.
    if library.verify(state, signature, signature.count, bytes, bytes.count) == 1 { return true }
    library.clearErrors()
    return false
  }

  /// A state for SHA-256 with libcrypto's default padding, PKCS #1 v1.5.
  private func begin(_ begin: KeyLibrary.Begin) throws(CryptoError) -> OpaquePointer {
    guard let state = library.newState() else { throw CryptoError(reason: "out of memory") }
    guard begin(state, nil, library.sha256(), nil, key) == 1 else {
      library.freeState(state)
      library.clearErrors()
      throw CryptoError(reason: "libcrypto rejects RSA with SHA-256")
    }
    return state
  }
}
