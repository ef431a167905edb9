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
    guard let json = try? JSON.parse(text), json.kind == .object else {
      throw Self.fault("is not JSON")
    }
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

  private static func fault(_ what: String) -> CommandError {
    var error = CommandError(
      .auth, "The service account's JSON \(what).",
      remedy: "Use the complete key file from Google Cloud for the service account.")
    error.concernsSignIn = true
    return error
  }

  /// A signed assertion for acting as `user`.
  func assertion(for user: String, scope: GmailScope, at now: Int64) throws(CommandError) -> String
  {
    let claims = JSONFragment { writer in
      writer.object {
        $0.member("iss", email)
        $0.member("sub", user)
        $0.member("scope", scope.rawValue)
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
