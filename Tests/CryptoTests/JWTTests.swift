import Basics
import Crypto
import JSON
import Testing

@Suite struct JWTTests {
  private static let key = Result { try RSAPrivateKey(pem: TestKeys.pkcs8) }
  private let claims = JSONFragment { writer in
    writer.object { writer in
      writer.member("iss", "soar@project.iam.gserviceaccount.com")
      writer.member("scope", "https://mail.google.com/")
      writer.member("aud", "https://oauth2.googleapis.com/token")
      writer.member("exp", 1_800_003_600)
      writer.member("iat", 1_800_000_000)
    }
  }

  private static func base64url(_ text: String) -> String {
    Base64.encode(Array(text.utf8), alphabet: .urlSafe, padded: false)
  }

  /// A token with these parts and a valid signature.
  private static func signed(_ header: String, _ claims: String) throws -> String {
    let text = header + "." + claims
    let signature = try key.get().sign(Array(text.utf8))
    return text + "." + Base64.encode(signature, alphabet: .urlSafe, padded: false)
  }

  @Test func `a token has three Base64url parts, with the claims in order`() throws {
    let token = try JWT.sign(header: .init(keyID: "k1"), claims: claims, key: Self.key.get())
    #expect(
      token
        == (try Self.signed(
          Self.base64url(#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#), Self.base64url(claims.text))))
    #expect(!token.contains { "+/=".contains($0) })
    let read = try JWT.verify(token, key: Self.key.get().publicKey)
    #expect(read.sourceText == claims.text)
  }

  @Test func `the header has no key id if none is given`() throws {
    let token = try JWT.sign(claims: claims, key: Self.key.get())
    #expect(token.hasPrefix(Self.base64url(#"{"alg":"RS256","typ":"JWT"}"#) + "."))
    #expect(try JWT.verify(token, key: Self.key.get().publicKey)["exp"]?.integer == 1_800_003_600)
  }

  /// RFC 7515 appendix A.2, with its public key in PEM.
  @Test func `the example of RFC 7515 verifies`() throws {
    let claims = try JWT.verify(
      TestKeys.exampleToken, key: RSAPublicKey(pem: TestKeys.exampleKey))
    #expect(claims["iss"]?.string == "joe")
    #expect(claims["exp"]?.integer == 1_300_819_380)
    #expect(claims["http://example.com/is_root"]?.bool == true)
  }

  private static let header = base64url(#"{"alg":"RS256"}"#)

  @Test(arguments: [
    (header, base64url("[]"), JWTError.Kind.malformed), (header, base64url("{"), .malformed),
    (header, "", .malformed), (header, base64url("{}") + "=", .malformed),
    (header, base64url("{}") + " ", .malformed), (header, "e31", .malformed),
    (header, "e30=", .malformed), (header, "e+/=", .malformed),
    ("", base64url("{}"), .malformed), (base64url("RS256"), base64url("{}"), .malformed),
    (base64url("{}"), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"none"}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"rs256"}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"HS256"}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"RS512"}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":["RS256"]}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"RS256","alg":"none"}"#), base64url("{}"), .algorithm),
    (base64url(#"{"alg":"RS256","crit":["b64"],"b64":false}"#), base64url("{}"), .malformed),
    (header, base64url(String(repeating: "[", count: 100)), .malformed),
    (header, base64url("{\"a\":\"" + String(repeating: "a", count: 70_000) + "\"}"), .malformed),
  ])
  func `a token with invalid parts is rejected despite a valid signature`(
    header: String, claims: String, kind: JWTError.Kind
  ) throws {
    let token = try Self.signed(header, claims)
    let error = try #require(
      #expect(throws: JWTError.self) { try JWT.verify(token, key: Self.key.get().publicKey) })
    #expect(error.kind == kind)
  }

  @Test func `a modified token is rejected`() throws {
    let token = try JWT.sign(claims: claims, key: Self.key.get())
    let parts = token.split(separator: ".").map(String.init)
    let unsigned = parts[0] + "." + parts[1]
    let other = Self.base64url(#"{"iss":"mallory"}"#)
    for (text, kind) in [
      (unsigned, JWTError.Kind.malformed), (unsigned + ".", .signature), ("", .malformed),
      ("..", .malformed), (token + ".", .malformed), (token + "=", .malformed),
      (token + "\n", .malformed), ("\(parts[0]).\(other).\(parts[2])", .signature),
      ("\(Self.base64url(#"{"alg":"RS256" }"#)).\(parts[1]).\(parts[2])", .signature),
      (unsigned + "." + Self.base64url("x"), .signature),
    ] {
      let error = #expect(throws: JWTError.self) {
        try JWT.verify(text, key: Self.key.get().publicKey)
      }
      #expect(error?.kind == kind, "\(text)")
    }
    let error = #expect(throws: JWTError.self) {
      try JWT.verify(token, key: RSAPublicKey(pem: TestKeys.otherPublic))
    }
    #expect(error?.kind == .signature)
  }
}
