import COpenSSL

/// A private key for RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3, RFC 8017 section
/// 8.2).
///
/// Reading one costs about as much as a signature; keep it. Threads may share it.
public struct RSAPrivateKey: Sendable {
  private let key: RSAKey

  /// Reads PKCS #8 (`BEGIN PRIVATE KEY`, as in a service account's JSON) or PKCS #1 (`BEGIN RSA
  /// PRIVATE KEY`), with line breaks or with `\n` in their place. Signs once, since a key with one
  /// wrong character is else only found by whoever refuses its signatures.
  public init(pem: String) throws(KeyError) {
    let block = try PEM.block(
      in: pem, labelled: ["PRIVATE KEY", "RSA PRIVATE KEY"], of: "a private key")
    key = try RSAKey(block.der()) { library, start, count in
      library.readPrivateKey(nil, start, count)
    }
    let probe = Array("sallyport".utf8)
    let isSound: Bool
    do throws(CryptoError) {
      isSound = try key.verify(key.sign(probe), of: probe)
    } catch {
      isSound = false
    }
    guard isSound else { throw .damaged("is damaged: its parts do not belong together") }
  }

  public var publicKey: RSAPublicKey { RSAPublicKey(key) }

  /// The signature of `bytes`, as long as the modulus.
  public func sign(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] { try key.sign(bytes) }
}

/// The other half of an `RSAPrivateKey`.
public struct RSAPublicKey: Sendable {
  private let key: RSAKey

  init(_ key: RSAKey) { self.key = key }

  /// Reads SPKI (`BEGIN PUBLIC KEY`, RFC 5280) or PKCS #1 (`BEGIN RSA PUBLIC KEY`).
  public init(pem: String) throws(KeyError) {
    let block = try PEM.block(
      in: pem, labelled: ["PUBLIC KEY", "RSA PUBLIC KEY"], of: "a public key")
    key = try RSAKey(block.der()) { library, start, count in
      block.label == "PUBLIC KEY"
        ? library.readPublicKey(nil, start, count)
        : library.readPublicKeyOfType(EVP_PKEY_RSA, nil, start, count)
    }
  }

  /// Whether the private key signed exactly these bytes.
  public func verify(_ signature: [UInt8], of bytes: [UInt8]) throws(CryptoError) -> Bool {
    try key.verify(signature, of: bytes)
  }
}
