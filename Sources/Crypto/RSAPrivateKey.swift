/// A private key for RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3, RFC 8017 section
/// 8.2).
///
/// Reading takes as long as a few signatures, some milliseconds, so keep the key. Thread-safe.
package struct RSAPrivateKey: Sendable {
  private let key: RSAKey

  /// Reads PKCS #8 (`BEGIN PRIVATE KEY`, as in the JSON of a service account) or PKCS #1 (`BEGIN
  /// RSA PRIVATE KEY`), with line breaks or with `\n`. Signs once as a check: otherwise only the
  /// receiver of a signature would notice one wrong character in the key.
  package init(pem: String) throws(KeyError) {
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
    guard isSound else { throw .damaged("is damaged: its parts do not match") }
  }

  package var publicKey: RSAPublicKey { RSAPublicKey(key) }

  /// The signature of `bytes`, as long as the modulus.
  package func sign(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] { try key.sign(bytes) }
}
