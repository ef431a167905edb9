import COpenSSL

/// SHA-256 (FIPS 180-4), by libcrypto.
public enum SHA256 {
  /// The digest in lower-case hexadecimal digits.
  public static func hex(_ bytes: [UInt8]) throws(CryptoError) -> String {
    let library = try CryptoLibrary.shared.get()
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let status = library.digest(bytes, bytes.count, &digest, nil, library.sha256(), nil)
    guard status == 1 else { throw CryptoError(reason: "EVP_Digest failed") }
    return digest.reduce(into: "") { text, byte in
      text += byte < 16 ? "0" : ""
      text += String(byte, radix: 16)
    }
  }
}
