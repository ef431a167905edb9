import Basics
import Crypto
import JSON

/// The valid tokens. They have the form of JSON Web Tokens (RFC 7519), so that clients can read the
/// claims, but they are unsigned: a token is valid if it is in the table.
struct CODATokens {
  enum Kind: String {
    case access, refresh
  }

  private struct Grant {
    var kind: Kind
    var user: CODAUser
    var expires: Int
  }

  /// Maximum number of tokens. At the limit, expired tokens are dropped, then all; users sign in
  /// again.
  private static let capacity = 20_000

  private var grants: [String: Grant] = [:]

  mutating func issue(_ kind: Kind, to user: CODAUser, now: Int, lifeSeconds: Int) -> String {
    if grants.count >= Self.capacity { grants = grants.filter { $0.value.expires > now } }
    if grants.count >= Self.capacity { grants.removeAll() }
    let expires = now + lifeSeconds
    let claims = JSONFragment { writer in
      writer.object { writer in
        writer.member("token_type", kind.rawValue)
        writer.member("exp", expires)
        writer.member("iat", now)
        writer.member("jti", String(UInt64.random(in: 0...UInt64.max), radix: 16))
        writer.member("user_id", user.id)
        writer.member("original_tenant_id", user.homeTenantID)
      }
    }
    let header = JSONFragment { writer in
      writer.object { writer in
        writer.member("alg", "HS256")
        writer.member("typ", "JWT")
      }
    }
    let signature = (0..<32).map { _ in UInt8.random(in: 0...255) }
    let parts = [header.bytes, claims.bytes, signature]
    let token = parts.map { Base64.encode($0, alphabet: .urlSafe, padded: false) }
      .joined(separator: ".")
    grants[token] = Grant(kind: kind, user: user, expires: expires)
    return token
  }

  func user(ofAccess token: String, now: Int) throws(CODAError) -> CODAUser {
    guard let grant = grants[token], grant.expires > now else {
      throw .badAccessToken("Token is invalid or expired")
    }
    guard grant.kind == .access else { throw .badAccessToken("Token has wrong type") }
    return grant.user
  }

  func user(ofRefresh token: String, now: Int) throws(CODAError) -> CODAUser {
    guard let grant = grants[token], grant.expires > now, grant.kind == .refresh else {
      throw .badRefreshToken
    }
    return grant.user
  }

  mutating func revoke(_ token: String) { grants[token] = nil }
}
