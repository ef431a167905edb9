import Basics
import COpenSSL

/// libcrypto, loaded on first use.
///
/// Linking it would cost more at process start than everything else up to the first response. A
/// host that only answers dry runs never loads it.
struct CryptoLibrary: Sendable {
  typealias Algorithm = @convention(c) () -> OpaquePointer?
  typealias NewDigest = @convention(c) () -> OpaquePointer?
  typealias BeginDigest =
    @convention(c) (OpaquePointer?, OpaquePointer?, OpaquePointer?) -> Int32
  typealias UpdateDigest = @convention(c) (OpaquePointer?, UnsafeRawPointer?, Int) -> Int32
  typealias EndDigest =
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>?)
    -> Int32
  typealias FreeDigest = @convention(c) (OpaquePointer?) -> Void
  typealias VersionText = @convention(c) (Int32) -> UnsafePointer<CChar>?

  private let md5: Algorithm
  private let sha1: Algorithm
  private let sha256: Algorithm
  let newDigest: NewDigest
  let beginDigest: BeginDigest
  let updateDigest: UpdateDigest
  let endDigest: EndDigest
  let freeDigest: FreeDigest
  let versionText: VersionText

  static let shared = LoadedLibrary { () throws(CryptoError) in
    try CryptoLibrary(CryptoSymbols())
  }

  private init(_ symbols: CryptoSymbols) throws(CryptoError) {
    md5 = try symbols.function("EVP_md5")
    sha1 = try symbols.function("EVP_sha1")
    sha256 = try symbols.function("EVP_sha256")
    newDigest = try symbols.function("EVP_MD_CTX_new")
    beginDigest = try symbols.function("EVP_DigestInit_ex")
    updateDigest = try symbols.function("EVP_DigestUpdate")
    endDigest = try symbols.function("EVP_DigestFinal_ex")
    freeDigest = try symbols.function("EVP_MD_CTX_free")
    versionText = try symbols.function("OpenSSL_version")
  }

  func algorithm(_ algorithm: Digest.Algorithm) -> OpaquePointer? {
    switch algorithm {
    case .md5: md5()
    case .sha1: sha1()
    case .sha256: sha256()
    }
  }
}

/// libcrypto cannot be used.
package struct CryptoError: Error, Sendable {
  package var reason: String
  /// The system refuses a descriptor. A later attempt may succeed.
  package var isShortage = false
}

/// Library metadata, for `version`.
package enum Crypto {
  /// For example `OpenSSL 3.0.17 1 Jul 2025`.
  package static func version() throws(CryptoError) -> String {
    let library = try CryptoLibrary.shared.get()
    return library.versionText(OPENSSL_VERSION).map { String(cString: $0) } ?? "unknown"
  }
}
