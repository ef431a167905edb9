import Basics

/// The functions of libcrypto that read keys, sign and verify.
///
/// Separate from `CryptoLibrary`, so that a digest does not load them.
struct KeyLibrary: Sendable {
  typealias Bytes = UnsafePointer<UInt8>?
  /// Advances the pointer past the bytes that it has read.
  typealias ReadKey =
    @convention(c) (UnsafeMutablePointer<OpaquePointer?>?, UnsafeMutablePointer<Bytes>?, Int)
    -> OpaquePointer?
  typealias ReadKeyOfType =
    @convention(c) (
      Int32, UnsafeMutablePointer<OpaquePointer?>?, UnsafeMutablePointer<Bytes>?, Int
    ) -> OpaquePointer?
  typealias KeyProperty = @convention(c) (OpaquePointer?) -> Int32
  typealias Free = @convention(c) (OpaquePointer?) -> Void
  typealias NewState = @convention(c) () -> OpaquePointer?
  /// Arguments: state, nil, digest, nil, key.
  typealias Begin =
    @convention(c) (
      OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?, OpaquePointer?, OpaquePointer?,
      OpaquePointer?
    ) -> Int32
  typealias Sign =
    @convention(c) (
      OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?, Bytes, Int
    )
    -> Int32
  typealias Verify = @convention(c) (OpaquePointer?, Bytes, Int, Bytes, Int) -> Int32
  typealias ClearErrors = @convention(c) () -> Void

  let readPrivateKey: ReadKey
  let readPublicKey: ReadKey
  let readPublicKeyOfType: ReadKeyOfType
  let keyType: KeyProperty
  let keyBits: KeyProperty
  let freeKey: Free
  let sha256: NewState
  let newState: NewState
  let freeState: Free
  let beginSigning: Begin
  let sign: Sign
  let beginVerifying: Begin
  let verify: Verify
  /// Clears the error queue of this thread. A later call, also one by libcurl, would report the old
  /// errors.
  let clearErrors: ClearErrors

  static let shared = LoadedLibrary { () throws(CryptoError) in
    try KeyLibrary(CryptoSymbols())
  }

  private init(_ symbols: CryptoSymbols) throws(CryptoError) {
    readPrivateKey = try symbols.function("d2i_AutoPrivateKey")
    readPublicKey = try symbols.function("d2i_PUBKEY")
    readPublicKeyOfType = try symbols.function("d2i_PublicKey")
    keyType = try symbols.function("EVP_PKEY_get_base_id")
    keyBits = try symbols.function("EVP_PKEY_get_bits")
    freeKey = try symbols.function("EVP_PKEY_free")
    sha256 = try symbols.function("EVP_sha256")
    newState = try symbols.function("EVP_MD_CTX_new")
    freeState = try symbols.function("EVP_MD_CTX_free")
    beginSigning = try symbols.function("EVP_DigestSignInit")
    sign = try symbols.function("EVP_DigestSign")
    beginVerifying = try symbols.function("EVP_DigestVerifyInit")
    verify = try symbols.function("EVP_DigestVerify")
    clearErrors = try symbols.function("ERR_clear_error")
  }
}
