import Basics
import COpenSSL

/// An incremental message digest by libcrypto.
package struct Digest: ~Copyable {
  package enum Algorithm: Sendable, CaseIterable {
    /// RFC 1321. Identifies files, as vendors do; not secure against forgery.
    case md5
    /// FIPS 180-4. Not secure against forgery either.
    case sha1
    /// FIPS 180-4
    case sha256
  }

  private let library: CryptoLibrary
  private let state: OpaquePointer

  /// - Throws: if libcrypto is missing or forbids the algorithm, as in FIPS mode.
  package init(_ algorithm: Algorithm) throws(CryptoError) {
    let library = try CryptoLibrary.shared.get()
    state = try Self.begin(algorithm, library)
    self.library = library
  }

  private static func begin(
    _ algorithm: Algorithm, _ library: CryptoLibrary
  ) throws(CryptoError) -> OpaquePointer {
    guard let state = library.newDigest() else { throw CryptoError(reason: "out of memory") }
    guard library.beginDigest(state, library.algorithm(algorithm), nil) == 1 else {
      library.freeDigest(state)
      throw CryptoError(reason: "libcrypto rejects \(algorithm)")
    }
    return state
  }

  deinit { library.freeDigest(state) }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) {
    guard library.updateDigest(state, bytes.baseAddress, bytes.count) == 1 else {
      throw CryptoError(reason: "EVP_DigestUpdate failed")
    }
  }

  /// The digest of all bytes. Ends the digest.
  package consuming func bytes() throws(CryptoError) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard library.endDigest(state, &digest, &length) == 1 else {
      throw CryptoError(reason: "EVP_DigestFinal_ex failed")
    }
    return Array(digest.prefix(Int(length)))
  }

  /// The digest in lower-case hexadecimal digits. Ends the digest.
  package consuming func hex() throws(CryptoError) -> String {
    HexDigits.text(of: try bytes())
  }

  /// The digest of `bytes` in lower-case hexadecimal digits.
  package static func hex(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(CryptoError) -> String {
    try whole(algorithm, bytes).hex()
  }

  package static func bytes(
    _ algorithm: Algorithm, _ bytes: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    try whole(algorithm, bytes).bytes()
  }

  private static func whole(
    _ algorithm: Algorithm, _ bytes: [UInt8]
  ) throws(CryptoError) -> Digest {
    var digest = try Digest(algorithm)
    // Swift infers `any Error` for a closure with a typed throw.
    let outcome = bytes.withUnsafeBytes { bytes in
      Result { () throws(CryptoError) in try digest.update(bytes) }
    }
    try outcome.get()
    return digest
  }
}
