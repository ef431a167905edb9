import Crypto
import Testing

@Suite struct DigestTests {
  /// The examples of FIPS 180-4 (CSRC, "SHA-256"), and lengths around the 64-byte block.
  @Test(arguments: [
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    ("a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
    ("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
  ])
  func `the known SHA-256 digests match`(text: String, count: Int, digest: String) throws {
    #expect(try Digest.hex(.sha256, Array(String(repeating: text, count: count).utf8)) == digest)
  }

  /// RFC 1321 section A.5, and the examples of FIPS 180-4 (CSRC, "SHA-1").
  @Test(arguments: [
    (Digest.Algorithm.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
    (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
    (.md5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      .sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
  ])
  func `the known MD5 and SHA-1 digests match`(
    algorithm: Digest.Algorithm, text: String, digest: String
  ) throws {
    #expect(try Digest.hex(algorithm, Array(text.utf8)) == digest)
  }

  @Test(arguments: Digest.Algorithm.allCases, [1, 63, 64, 65, 999])
  func `the digest does not depend on the chunk size`(
    algorithm: Digest.Algorithm, pieceBytes: Int
  ) throws {
    let whole = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    var digest = try Digest(algorithm)
    for start in stride(from: 0, to: whole.count, by: pieceBytes) {
      try whole[start..<min(start + pieceBytes, whole.count)].withUnsafeBytes {
        try digest.update($0)
      }
    }
    #expect(try digest.hex() == Digest.hex(algorithm, whole))
  }

  @Test func `the library reports its version`() throws {
    #expect(try Crypto.version().hasPrefix("OpenSSL 3."))
  }
}
