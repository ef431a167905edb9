import Basics
import Crypto
import HTTPServer
import JSON

/// `POST /token`: exchanges grants for access tokens.
struct GoogleTokenEndpoint {
  private let request: HTTPServer.Request
  private let form: FormFields
  private let now: Int
  /// Whether a refresh returns a new refresh token and revokes the old one.
  private let rotatesRefreshTokens: Bool

  private static let assertionGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

  init(_ request: HTTPServer.Request, now: Int, rotatesRefreshTokens: Bool) {
    self.request = request
    self.now = now
    self.rotatesRefreshTokens = rotatesRefreshTokens
    form = FormFields(decoding: request.body)
  }

  func respond(_ domain: inout GoogleDomain) throws(GoogleTokenError) -> HTTPServer.Response {
    let type = request.headers["Content-Type"] ?? ""
    guard type.lowercased().hasPrefix("application/x-www-form-urlencoded") else {
      throw .invalidRequest("Bad Request")
    }
    if let name = form.repeatedName {
      throw .invalidRequest("Parameter specified multiple times: \(name)")
    }
    switch parameter("grant_type") {
    case Self.assertionGrant: return try assertion(&domain)
    case "authorization_code": return try code(&domain)
    case "refresh_token": return try refresh(&domain)
    case nil: throw .invalidRequest("Required parameter is missing: grant_type")
    case let other?:
      var error = GoogleTokenError.unsupportedGrantType
      error.description = "Invalid grant_type: \(other)"
      throw error
    }
  }

  private func assertion(
    _ domain: inout GoogleDomain
  ) throws(GoogleTokenError) -> HTTPServer.Response {
    let text = try required("assertion")
    let assertion = try GoogleAssertion(
      text, endpoint: request.origin + request.path, now: now)
    var userID: String?
    if let subject = assertion.subject {
      guard let user = domain.user(subject), !user.isSuspended else { throw .noSuchUser }
      userID = user.id
    }
    let token = domain.grants.issueAccess(userID: userID, scopes: assertion.scopes, now: now)
    return reply(token, nil, scopes: nil)
  }

  private func code(_ domain: inout GoogleDomain) throws(GoogleTokenError) -> HTTPServer.Response {
    try checkClient()
    let text = try required("code")
    let redirect = try required("redirect_uri")
    guard let code = domain.grants.consumeCode(text, now: now) else {
      throw .invalidGrant("Malformed auth code.")
    }
    guard code.redirect == redirect else {
      throw GoogleTokenError(error: "redirect_uri_mismatch", description: "Bad Request")
    }
    if let challenge = code.challenge {
      guard let verifier = parameter("code_verifier"),
        Self.challenge(verifier, isHashed: code.isChallengeHashed) == challenge
      else { throw .invalidGrant("Missing or invalid code verifier.") }
    }
    let access = domain.grants.issueAccess(userID: code.userID, scopes: code.scopes, now: now)
    var refresh: String?
    if code.givesRefreshToken {
      refresh = domain.grants.issueRefresh(.init(userID: code.userID, scopes: code.scopes))
    }
    return reply(access, refresh, scopes: code.scopes)
  }

  private func refresh(
    _ domain: inout GoogleDomain
  ) throws(GoogleTokenError) -> HTTPServer.Response {
    try checkClient()
    let token = try required("refresh_token")
    guard let grant = domain.grants.refresh(token),
      let user = domain.users.first(where: { $0.id == grant.userID }), !user.isSuspended
    else { throw .expired }
    var scopes = grant.scopes
    if let text = parameter("scope") {
      guard let wanted = GoogleScope.set(text), wanted.isSubset(of: scopes) else {
        throw .invalidScope
      }
      scopes = wanted
    }
    let access = domain.grants.issueAccess(userID: user.id, scopes: scopes, now: now)
    var rotated: String?
    if rotatesRefreshTokens {
      domain.grants.revoke(token)
      rotated = domain.grants.issueRefresh(grant)
    }
    return reply(access, rotated, scopes: scopes)
  }

  private func checkClient() throws(GoogleTokenError) {
    var id = parameter("client_id")
    var secret = parameter("client_secret")
    if let basic = request.headers["Authorization"], basic.hasPrefix("Basic ") {
      let pair = String(
        decoding: TransferEncoding.base64(basic.dropFirst(6).utf8), as: UTF8.self)
      let words = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      id = words.first.map { PercentEncoding.decode(String($0)) }
      secret = words.count > 1 ? PercentEncoding.decode(String(words[1])) : nil
    }
    guard let id else { throw .invalidRequest("Could not determine client ID from request.") }
    guard id == GoogleClient.id else { throw .noSuchClient }
    guard let secret else { throw .invalidRequest("client_secret is missing.") }
    guard secret == GoogleClient.secret else { throw .wrongSecret }
  }

  private func reply(
    _ access: String, _ refresh: String?, scopes: Set<GoogleScope>?
  ) -> HTTPServer.Response {
    var response = HTTPServer.Response.googleJSON(
      200,
      JSONFragment { writer in
        writer.object { writer in
          writer.member("access_token", access)
          writer.member("expires_in", GoogleGrants.accessSeconds)
          writer.member(ifPresent: "refresh_token", refresh)
          writer.member(ifPresent: "scope", scopes.map(GoogleScope.text))
          writer.member("token_type", "Bearer")
        }
      })
    response.headers.add("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
    return response
  }

  private func parameter(_ name: String) -> String? {
    form[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private func required(_ name: String) throws(GoogleTokenError) -> String {
    guard let value = parameter(name) else {
      throw .invalidRequest("Missing required parameter: \(name)")
    }
    return value
  }

  /// The PKCE challenge (RFC 7636 section 4.6).
  private static func challenge(_ verifier: String, isHashed: Bool) -> String? {
    guard isHashed else { return verifier }
    guard let digest = try? Digest.bytes(.sha256, Array(verifier.utf8)) else { return nil }
    return Base64.encode(digest, alphabet: .urlSafe, padded: false)
  }
}
