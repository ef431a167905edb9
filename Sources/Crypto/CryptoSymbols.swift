import Basics
import Glibc

/// Looks up the functions of libcrypto by name.
struct CryptoSymbols {
  private let handle: UnsafeMutableRawPointer

  /// Loads the library by the name that every OpenSSL 3 release has. It is never unloaded.
  init() throws(CryptoError) {
    guard let handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL) else {
      let reason = String(cString: dlerror())
      throw CryptoError(reason: reason, isShortage: ResourceShortage.current() != nil)
    }
    self.handle = handle
  }

  /// - Parameter Function: the type that the header declares for that name, `@convention(c)`.
  func function<Function>(
    _ name: String, _: Function.Type = Function.self
  ) throws(CryptoError) -> Function {
    guard let address = dlsym(handle, name) else {
      throw CryptoError(reason: "libcrypto has no \(name)")
    }
    // The type of a C function is the one that its header declares.
    return unsafeBitCast(address, to: Function.self)
  }
}
