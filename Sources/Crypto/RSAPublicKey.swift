import COpenSSL

/// The public part of an `RSAPrivateKey`.
package struct RSAPublicKey: Sendable {
  private let key: RSAKey

  init(_ key: RSAKey) { self.key = key }

  /// Reads SPKI (`BEGIN PUBLIC KEY`, RFC 5280) or PKCS #1 (`BEGIN RSA PUBLIC KEY`).
  package init(pem: String) throws(KeyError) {
    let block = try PEM.block(
      in: pem, labelled: ["PUBLIC KEY", "RSA PUBLIC KEY"], of: "a public key")
    key = try RSAKey(block.der()) { library, start, count in
      block.label == "PUBLIC KEY"
        ? library.readPublicKey(nil, start, count)
        : library.readPublicKeyOfType(EVP_PKEY_RSA, nil, start, count)
    }
  }

  /// Whether the signature is valid for these bytes.
  package func verify(_ signature: [UInt8], of bytes: [UInt8]) throws(CryptoError) -> Bool {
    try key.verify(signature, of: bytes)
  }
}
