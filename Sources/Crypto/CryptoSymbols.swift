import Glibc

/// The functions of libcrypto by name.
struct CryptoSymbols {
  private let handle: UnsafeMutableRawPointer

  /// Opens the library by the name that every release of OpenSSL 3 has; it stays open.
  init() throws(CryptoError) {
    guard let handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL) else {
      throw CryptoError(reason: String(cString: dlerror()))
    }
    self.handle = handle
  }

  /// - Parameter Function: what the header declares under that name, `@convention(c)`.
  func function<Function>(
    _ name: String, _: Function.Type = Function.self
  ) throws(CryptoError) -> Function {
    guard let address = dlsym(handle, name) else {
      throw CryptoError(reason: "libcrypto has no \(name)")
    }
    // A C function's address has no other type than the one its header declares.
    return unsafeBitCast(address, to: Function.self)
  }
}
