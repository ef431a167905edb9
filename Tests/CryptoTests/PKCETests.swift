import Basics
import Crypto
import Testing

@Suite struct PKCETests {
  /// RFC 7636 appendix B.
  private let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
  private let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

  @Test func `the example of RFC 7636 matches`() throws {
    #expect(try PKCE.challenge(of: verifier) == challenge)
    #expect(try PKCE.verify(verifier, challenge: challenge))
  }

  @Test func `another verifier or challenge does not match`() throws {
    #expect(try !PKCE.verify(verifier.dropLast() + "l", challenge: challenge))
    #expect(try !PKCE.verify(verifier, challenge: challenge + "="))
    #expect(try !PKCE.verify(verifier, challenge: ""))
    // The method "plain" is not supported.
    #expect(try !PKCE.verify(verifier, challenge: verifier))
    let short = String(verifier.dropLast())
    #expect(try !PKCE.verify(short, challenge: PKCE.challenge(of: short)))
  }

  @Test(arguments: [
    (String(repeating: "a", count: 42), false), (String(repeating: "a", count: 43), true),
    (String(repeating: "~", count: 128), true), (String(repeating: "a", count: 129), false),
    (String(repeating: "azAZ09-._~", count: 5), true),
    (String(repeating: "a", count: 43) + "+", false),
    (String(repeating: "a", count: 43) + "=", false), (String(repeating: "é", count: 43), false),
    ("", false),
  ])
  func `a verifier has 43 to 128 unreserved characters`(text: String, isVerifier: Bool) {
    #expect(PKCE.isVerifier(text) == isVerifier)
  }

  @Test func `every verifier is different`() throws {
    let proofs = try (0..<100).map { _ in try PKCE() }
    #expect(Set(proofs.map(\.verifier)).count == 100)
    for proof in proofs {
      #expect(PKCE.isVerifier(proof.verifier))
      #expect(try PKCE.verify(proof.verifier, challenge: proof.challenge))
    }
  }

  @Test func `tokens are URL-safe, have the given length and use all digits`() {
    let tokens = (0..<200).map { _ in RandomToken.make() }
    #expect(Set(tokens).count == 200)
    #expect(tokens.allSatisfy { $0.utf8.count == 43 && PercentEncoding.encode($0) == $0 })
    // 8,400 digits: the probability that one of the 64 is missing is 10^-57.
    #expect(Set(tokens.joined()).count == 64)
    #expect([1, 16, 48].map { RandomToken.make(bytes: $0).utf8.count } == [2, 22, 64])
  }

  @Test func `secrets are equal only if all bytes are equal`() {
    #expect(SecretComparison.areEqual("", ""))
    #expect(SecretComparison.areEqual("état", "état"))
    // Canonically equivalent: equal for Swift, but not the same bytes.
    #expect(!SecretComparison.areEqual("\u{E9}", "e\u{301}"))
    #expect(!SecretComparison.areEqual("a", ""))
    #expect(!SecretComparison.areEqual("a", "ab"))
    let secret = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
    #expect(SecretComparison.areEqual(secret, Array(secret)))
    for position in secret.indices {
      for bit in 0..<8 {
        var other = secret
        other[position] ^= 1 << UInt8(bit)
        if SecretComparison.areEqual(secret, other) { Issue.record("\(position), bit \(bit)") }
      }
    }
  }
}
