import COpenSSL
import Glibc

/// libcrypto, opened when it is first needed.
///
/// Linking it would cost every start of the process more than everything else up to the first
/// reply; a host that only answers dry runs never opens it.
struct CryptoLibrary: Sendable {
  typealias Digest =
    @convention(c) (
      UnsafeRawPointer?, Int, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>?,
      OpaquePointer?, OpaquePointer?
    ) -> Int32
  typealias Algorithm = @convention(c) () -> OpaquePointer?
  typealias VersionText = @convention(c) (Int32) -> UnsafePointer<CChar>?

  let digest: Digest
  let sha256: Algorithm
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
    digest = try symbol("EVP_Digest", Digest.self)
    sha256 = try symbol("EVP_sha256", Algorithm.self)
    versionText = try symbol("OpenSSL_version", VersionText.self)
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
