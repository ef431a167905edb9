import Basics
import Crypto
import IntegrationKit
import JSON

/// The key file of a service account, and its assertions (RFC 7523).
struct ServiceAccount: Sendable {
  let email: String
  let keyID: String?
  let key: RSAPrivateKey
  /// Google's endpoint, also if token_url differs: Google expects this audience.
  static let audience = "https://oauth2.googleapis.com/token"
  /// Google's maximum.
  private static let lifetimeSeconds: Int64 = 3_600

  /// - Throws: if the file is invalid. The error contains no part of the key.
  init(_ text: String) throws(CommandError) {
    let json: JSON
    do throws(JSONError) {
      json = try Self.json(of: text)
    } catch {
      throw Self.fault("is not JSON: \(error)")
    }
    guard json.kind == .object else { throw Self.fault("is not a JSON object") }
    guard json["type"]?.equals("service_account") ?? true else {
      throw Self.fault("has the type \(json["type"]?.string ?? "?"), not service_account")
    }
    guard let email = json["client_email"]?.string else { throw Self.fault("has no client_email") }
    guard let pem = json["private_key"]?.string else { throw Self.fault("has no private_key") }
    self.email = email
    keyID = json["private_key_id"]?.string
    do throws(KeyError) {
      key = try RSAPrivateKey(pem: pem)
    } catch {
      if error.kind == .unavailable || error.kind == .shortage {
        throw Self.unavailable(error.reason, isShortage: error.kind == .shortage)
      }
      throw Self.fault("has an unusable private_key: the key \(error.reason)")
    }
  }

  /// Files and variables often have a byte order mark, or the line breaks of the key as such.
  static func json(of text: String) throws(JSONError) -> JSON {
    var bytes = Array(text.utf8)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    do throws(JSONError) {
      return try JSON.parse(bytes)
    } catch {
      // The offset of the error is that of the text as given.
      guard let json = try? JSON.parse(escapingLineBreaks(in: bytes)) else {
        var error = error
        error.offset += text.utf8.count - bytes.count
        throw error
      }
      return json
    }
  }

  /// Escapes line breaks inside strings. Those between values stay.
  private static func escapingLineBreaks(in bytes: [UInt8]) -> [UInt8] {
    var escaped: [UInt8] = []
    escaped.reserveCapacity(bytes.count + 64)
    var (isInString, isEscaped) = (false, false)
    for byte in bytes {
      switch byte {
      case 0x0A where isInString: escaped += isEscaped ? "n".utf8 : #"\n"#.utf8
      case 0x0D where isInString: escaped += isEscaped ? "r".utf8 : #"\r"#.utf8
      default: escaped.append(byte)
      }
      if byte == UInt8(ascii: "\""), !isEscaped { isInString.toggle() }
      isEscaped = isInString && byte == UInt8(ascii: "\\") && !isEscaped
    }
    return escaped
  }

  private static func fault(_ what: String) -> CommandError {
    var error = CommandError(
      .auth, "The service account's JSON \(what).",
      remedy: "Use the complete key file from Google Cloud for the service account.")
    error.concernsSignIn = true
    return error
  }

  /// A signed assertion for acting as `user`.
  func assertion(
    for user: String, scopes: [GmailScope], at now: Int64
  ) throws(CommandError) -> String {
    let claims = JSONFragment { writer in
      writer.object {
        $0.member("iss", email)
        $0.member("sub", user)
        $0.member("scope", scopes.map(\.url).joined(separator: " "))
        $0.member("aud", Self.audience)
        $0.name("iat")
        $0.integer(now)
        $0.name("exp")
        $0.integer(now + Self.lifetimeSeconds)
      }
    }
    do throws(CryptoError) {
      return try JWT.sign(header: JWT.Header(keyID: keyID), claims: claims, key: key)
    } catch {
      throw Self.unavailable(error.reason, isShortage: error.isShortage)
    }
  }

  private static func unavailable(_ reason: String, isShortage: Bool) -> CommandError {
    CommandError(
      .unavailable, "Signing requires libcrypto: \(reason).", isRetryable: isShortage,
      remedy: isShortage
        ? "Raise the limit of descriptors of this user (ulimit -n)."
        : "Install OpenSSL (Debian: libssl3) on this machine.")
  }
}
