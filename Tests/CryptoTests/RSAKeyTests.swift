import Basics
import Crypto
import JSON
import TestSupport
import Testing

@Suite struct RSAKeyTests {
  private let abc = Array("abc".utf8)

  @Test(arguments: [
    TestKeys.pkcs8, TestKeys.pkcs1,
    // As copied from the JSON of a service account, escaped once and twice.
    TestKeys.pkcs8.replacing("\n", with: #"\n"#), TestKeys.pkcs8.replacing("\n", with: #"\\n"#),
    TestKeys.pkcs8.replacing("\n", with: #"\r\n"#), TestKeys.pkcs8.replacing("\n", with: "\r\n"),
    // Pasted into a single-line field.
    TestKeys.pkcs8.replacing("\n", with: " "), TestKeys.pkcs8.replacing("\n", with: ""),
    "\u{FEFF}Bag Attributes\n  friendlyName: x\n" + TestKeys.pkcs8 + "\n\n",
    TestKeys.publicSPKI + "\n" + TestKeys.pkcs8,
    "\"" + TestKeys.pkcs8.replacing("\n", with: #"\n"#) + "\\n\"",
  ])
  func `a pasted key is read, and signs as openssl does`(pem: String) throws {
    let key = try RSAPrivateKey(pem: pem)
    #expect(Base64.encode(try key.sign(abc)) == TestKeys.signatureOfABC)
  }

  @Test(arguments: [TestKeys.publicSPKI, TestKeys.publicPKCS1])
  func `the public key verifies only signatures of the private key`(
    pem: String
  ) throws {
    let key = try RSAPrivateKey(pem: TestKeys.pkcs8)
    let signature = try key.sign(abc)
    for verifier in [try RSAPublicKey(pem: pem), key.publicKey] {
      #expect(try verifier.verify(signature, of: abc))
      #expect(try !verifier.verify(signature, of: abc + [0]))
      #expect(try !verifier.verify(signature, of: []))
      #expect(try !verifier.verify(signature.dropLast(), of: abc))
      #expect(try !verifier.verify(signature + [0], of: abc))
      #expect(try !verifier.verify([], of: abc))
      for position in [0, 100, 255] {
        var forged = signature
        forged[position] ^= 1
        #expect(try !verifier.verify(forged, of: abc))
      }
    }
    #expect(try !RSAPublicKey(pem: TestKeys.otherPublic).verify(signature, of: abc))
  }

  @Test func `an empty message and a megabyte are signed`() throws {
    let key = try RSAPrivateKey(pem: TestKeys.pkcs8)
    for bytes in [[], [UInt8](repeating: 0x61, count: 1_000_000)] {
      let signature = try key.sign(bytes)
      #expect(signature.count == 256)
      #expect(try key.publicKey.verify(signature, of: bytes))
    }
  }

  /// The description is the name: a failure must not print a screen of PEM.
  struct Faulty: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let pem: String
    let kind: KeyError.Kind

    init(_ name: String, _ pem: String, _ kind: KeyError.Kind) {
      (testDescription, self.pem, self.kind) = (name, pem, kind)
    }
  }

  private static let faultyPrivateKeys = [
    Faulty("nothing", "", .notPEM), Faulty("a word", "hunter2", .notPEM),
    Faulty("a line break", #"\n"#, .notPEM), Faulty("half a BEGIN line", "-----BEGIN", .notPEM),
    Faulty("JSON without a key", #"{"type":"service_account"}"#, .notPEM),
    Faulty("a public key", TestKeys.publicSPKI, .notPEM),
    Faulty("a certificate", pem("CERTIFICATE", "MAA="), .notPEM),
    Faulty("an OpenSSH key", pem("OPENSSH PRIVATE KEY", "MAA="), .notPEM),
    Faulty("encrypted PKCS #8", TestKeys.encryptedPKCS8, .encrypted),
    Faulty("encrypted PKCS #1", TestKeys.encryptedPKCS1, .encrypted),
    Faulty(
      "the same in one line", TestKeys.encryptedPKCS1.replacing("\n", with: #"\n"#), .encrypted),
    // libcrypto must not ask for a passphrase.
    Faulty(
      "encrypted, saying it is not", TestKeys.encryptedPKCS8.replacing("ENCRYPTED ", with: ""),
      .damaged),
    Faulty("EC", TestKeys.ec, .notRSA), Faulty("EC of SEC 1", TestKeys.ecWithParameters, .notRSA),
    Faulty("Ed25519", TestKeys.ed25519, .notRSA), Faulty("RSASSA-PSS", TestKeys.pss, .notRSA),
    Faulty("1024 bits", TestKeys.short, .tooShort),
    Faulty("half a label", "-----BEGIN PRIVATE KEY", .truncated),
    Faulty("a BEGIN line", "-----BEGIN PRIVATE KEY-----", .truncated),
    Faulty("no END line", String(TestKeys.pkcs8.prefix(900)), .truncated),
    Faulty("most of an END line", String(TestKeys.pkcs8.dropLast(3)), .truncated),
    Faulty(
      "another END line", TestKeys.pkcs8.replacing("END PRIVATE", with: "END RSA PRIVATE"),
      .truncated),
    Faulty("lines missing", pkcs8 { String($0.prefix(800)) }, .truncated),
    Faulty("a strange character", pkcs8 { $0 + "*" }, .damaged),
    Faulty("no body", pem("PRIVATE KEY", ""), .damaged),
    Faulty("one byte", pem("PRIVATE KEY", "MA=="), .damaged),
    Faulty("an empty sequence", pem("PRIVATE KEY", "MAA="), .damaged),
    Faulty("a length of many bytes", pem("PRIVATE KEY", "MIX/////////"), .damaged),
    Faulty("a length without bytes", pem("PRIVATE KEY", "MIQ="), .damaged),
    Faulty("an integer", pkcs8 { "Ag" + $0.dropFirst(2) }, .damaged),
    Faulty("bytes behind the end", pkcs8 { $0 + "AAAA" }, .damaged),
    Faulty("wrong padding", pkcs8 { $0.dropLast(2) + "Z===" }, .damaged),
    Faulty(
      "one wrong character of the modulus",
      pkcs8 { $0.prefix(200) + ($0.dropFirst(200).first == "B" ? "C" : "B") + $0.dropFirst(201) },
      .damaged),
  ]

  private static func pem(_ label: String, _ body: String) -> String {
    "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----"
  }

  /// The key with modified Base64.
  private static func pkcs8(_ change: (String) -> String) -> String {
    let lines = TestKeys.pkcs8.split(separator: "\n")
    return pem("PRIVATE KEY", change(lines.dropFirst().dropLast().joined()))
  }

  @Test(arguments: faultyPrivateKeys)
  func `the error of a private key has a reason that does not quote the key`(faulty: Faulty) throws
  {
    let error = #expect(throws: KeyError.self) { try RSAPrivateKey(pem: faulty.pem) }
    #expect(error?.kind == faulty.kind)
    let reason = try #require(error?.reason)
    for line in faulty.pem.split(whereSeparator: \.isNewline)
    where line.count >= 16 && line.first != "-" {
      #expect(!reason.contains(line.prefix(8)))
    }
  }

  @Test(arguments: [
    Faulty("nothing", "", .notPEM), Faulty("a private key", TestKeys.pkcs8, .notPEM),
    Faulty("EC", TestKeys.ecPublic, .notRSA), Faulty("1024 bits", TestKeys.shortPublic, .tooShort),
    Faulty("no END line", String(TestKeys.publicSPKI.prefix(200)), .truncated),
    Faulty("an empty SPKI", pem("PUBLIC KEY", "MAA="), .damaged),
    Faulty("an empty PKCS #1", pem("RSA PUBLIC KEY", "MAA="), .damaged),
  ])
  func `the error of a public key has a reason`(faulty: Faulty) {
    let error = #expect(throws: KeyError.self) { try RSAPublicKey(pem: faulty.pem) }
    #expect(error?.kind == faulty.kind)
  }

  @Test func `threads can share a key`() async throws {
    let key = try RSAPrivateKey(pem: TestKeys.pkcs8)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in UInt8(0)..<8 {
        group.addTask {
          for round in UInt8(0)..<20 {
            let bytes = [number, round]
            guard try key.publicKey.verify(key.sign(bytes), of: bytes) else { return false }
          }
          return true
        }
      }
      for try await isVerified in group { #expect(isVerified) }
    }
  }

  /// Wycheproof's rsa_pkcs1_2048_sig_gen_test.json; only its SHA-256 vectors apply to RS256.
  @Test func `the vectors of Wycheproof are signed and verified`() throws {
    guard let bytes = SharedFile.bytes("suites/rsa/rsa_pkcs1_2048_sig_gen_test.json") else {
      return
    }
    var count = 0
    let suite = try JSON.parse(bytes)
    for group in try #require(suite["testGroups"]).elements {
      let key = try RSAPrivateKey(pem: #require(group["privateKeyPem"]?.string))
      let pkcs8 = Base64.encode(try Self.bytes(group["privateKeyPkcs8"]))
      let same = try RSAPrivateKey(
        pem: "-----BEGIN PRIVATE KEY-----\n\(pkcs8)\n-----END PRIVATE KEY-----")
      let publicKey = try RSAPublicKey(pem: #require(group["keyPem"]?.string))
      let isOurs = group["sha"]?.equals("SHA-256") == true
      for test in try #require(group["tests"]).elements {
        let message = try Self.bytes(test["msg"])
        let signature = try Self.bytes(test["sig"])
        #expect(try publicKey.verify(signature, of: message) == isOurs, "\(test.sourceText)")
        #expect(try (key.sign(message) == signature) == isOurs, "\(test.sourceText)")
        #expect(try same.sign(message) == key.sign(message))
        count += isOurs ? 1 : 0
      }
    }
    #expect(count >= 10)
  }

  private static func bytes(_ hex: JSON?) throws -> [UInt8] {
    let digits = Array(try #require(hex?.string))
    return try stride(from: 0, to: digits.count, by: 2).map {
      try #require(UInt8(String(digits[$0..<$0 + 2]), radix: 16))
    }
  }
}
