import Basics
import JSON

/// JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, signed with RS256.
package enum JWT {
  /// The only supported algorithm, so that the sender of a token cannot choose one.
  package static let algorithm = "RS256"

  package struct Header: Sendable {
    /// Identifies the signer's key: `private_key_id` of a service account.
    package var keyID: String?

    package init(keyID: String? = nil) { self.keyID = keyID }

    var json: JSONFragment {
      JSONFragment { writer in
        writer.object { writer in
          writer.member("alg", JWT.algorithm)
          writer.member("typ", "JWT")
          writer.member(ifPresent: "kid", keyID)
        }
      }
    }
  }

  /// - Parameter claims: an object. Its bytes are signed unchanged, in their order.
  package static func sign(
    header: Header = Header(), claims: JSONFragment, key: RSAPrivateKey
  ) throws(CryptoError) -> String {
    let signed = encode(header.json.bytes) + "." + encode(claims.bytes)
    return signed + "." + encode(try key.sign(Array(signed.utf8)))
  }

  /// Verifies a token and returns its claims.
  ///
  /// The caller checks the audience and the expiry (`aud`, `exp`).
  /// - Throws: if the token is invalid. Only the header, which must name `RS256`, is read before
  ///   the signature is verified.
  package static func verify(_ text: String, key: RSAPublicKey) throws(JWTError) -> JSON {
    guard text.utf8.count <= maximumBytes else {
      throw .malformed("is longer than \(maximumBytes) bytes")
    }
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("does not have three parts") }
    let header = try object(decode(parts[0], "header"), "header")
    guard header["alg"]?.equals(algorithm) == true else { throw .algorithm }
    guard header["crit"] == nil else {
      throw .malformed("requires unknown extensions (crit)")
    }
    let claims = try decode(parts[1], "claims")
    let signature = try decode(parts[2], "signature")
    let isVerified: Bool
    do throws(CryptoError) {
      isVerified = try key.verify(
        signature, of: Array(text.utf8[..<parts[1].endIndex]))
    } catch { throw .unavailable(error) }
    guard isVerified else { throw .signature }
    return try object(claims, "claims")
  }

  private static let maximumBytes = 65_536

  private static func encode(_ bytes: [UInt8]) -> String {
    Base64.encode(bytes, alphabet: .urlSafe, padded: false)
  }

  private static func decode(
    _ part: Substring.UTF8View, _ name: String
  ) throws(JWTError) -> [UInt8] {
    let decoded: Result<[UInt8], Base64Error> = Array(part).withUnsafeBufferPointer { digits in
      Result { () throws(Base64Error) in try Base64.decode(digits, alphabet: .urlSafe) }
    }
    guard part.last != UInt8(ascii: "="), let bytes = try? decoded.get() else {
      throw .malformed("has a \(name) that is not unpadded Base64url")
    }
    return bytes
  }

  private static func object(_ bytes: [UInt8], _ name: String) throws(JWTError) -> JSON {
    guard let json = try? JSON.parse(bytes, limits: JSONLimits(depth: 32)), json.kind == .object
    else { throw .malformed("has a \(name) that is not a JSON object") }
    return json
  }
}
