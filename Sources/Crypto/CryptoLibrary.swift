import COpenSSL
import Glibc

/// libcrypto, opened when it is first needed.
///
/// Linking it would cost every start of the process more than everything else up to the first
/// reply; a host that only answers dry runs never opens it.
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

  /// By the name that every release of OpenSSL 3 has.
  static let shared: Result<CryptoLibrary, CryptoError> = Result { () throws(CryptoError) in
    try CryptoLibrary(opening: "libcrypto.so.3")
  }

  private init(opening name: String) throws(CryptoError) {
    guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
      throw CryptoError(reason: String(cString: dlerror()))
    }
    func symbol<Function>(_ name: String, _: Function.Type) throws(CryptoError) -> Function {
      guard let address = dlsym(handle, name) else {
        throw CryptoError(reason: "libcrypto has no \(name)")
      }
      // A C function's address has no other type than the one its header declares.
      return unsafeBitCast(address, to: Function.self)
    }
    md5 = try symbol("EVP_md5", Algorithm.self)
    sha1 = try symbol("EVP_sha1", Algorithm.self)
    sha256 = try symbol("EVP_sha256", Algorithm.self)
    newDigest = try symbol("EVP_MD_CTX_new", NewDigest.self)
    beginDigest = try symbol("EVP_DigestInit_ex", BeginDigest.self)
    updateDigest = try symbol("EVP_DigestUpdate", UpdateDigest.self)
    endDigest = try symbol("EVP_DigestFinal_ex", EndDigest.self)
    freeDigest = try symbol("EVP_MD_CTX_free", FreeDigest.self)
    versionText = try symbol("OpenSSL_version", VersionText.self)
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
public struct CryptoError: Error, Sendable {
  public var reason: String
}

/// About the library, for `version`.
public enum Crypto {
  /// Such as `OpenSSL 3.0.17 1 Jul 2025`.
  public static func version() throws(CryptoError) -> String {
    let library = try CryptoLibrary.shared.get()
    return library.versionText(OPENSSL_VERSION).map { String(cString: $0) } ?? "unknown"
  }
}
