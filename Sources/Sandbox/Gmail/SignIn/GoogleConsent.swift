import Basics
import HTTPServer

/// The consent page. It does not ask for a sign-in: the user in `login_hint` consents, otherwise
/// the administrator.
///
/// A person follows one of the two links. A test adds `auto=1` (or `deny=1`) to the request and is
/// redirected immediately.
struct GoogleConsent {
  let request: HTTPServer.Request
  let now: Int

  func respond(_ domain: inout GoogleDomain) -> HTTPServer.Response {
    let redirect = request.query("redirect_uri") ?? ""
    guard request.query("client_id") == GoogleClient.id else {
      return page(401, "Error 401: invalid_client", "The OAuth client was not found.")
    }
    guard GoogleClient.mayRedirect(to: redirect) else {
      return page(
        400, "Error 400: redirect_uri_mismatch",
        "The redirect address is none of those that the client was registered with.")
    }
    guard request.query("response_type") == "code" else {
      return page(400, "Error 400: unsupported_response_type", "The response type is code.")
    }
    guard let scopes = GoogleScope.set(request.query("scope") ?? "") else {
      return page(400, "Error 400: invalid_scope", "Some requested scopes were invalid.")
    }
    let method = request.query("code_challenge_method") ?? "plain"
    guard method == "S256" || method == "plain" else {
      return page(400, "Error 400: invalid_request", "Transform algorithm not supported.")
    }
    let hint = request.query("login_hint") ?? ""
    let consenting = hint.isEmpty ? domain.users.first { $0.isAdmin } : domain.user(hint)
    guard let user = consenting else {
      return page(400, "Couldn't find your Google Account", "Nobody here is \(hint).")
    }
    if request.query("deny") == "1" { return send(to: redirect, ["error": "access_denied"]) }
    guard request.query("auto") == "1" else { return question(user, scopes) }
    // A repeated consent returns a refresh token only if the user was prompted again.
    let isAsked = (request.query("prompt") ?? "").split(separator: " ").contains("consent")
    let isOffline = request.query("access_type") == "offline"
    let code = domain.grants.issueCode(
      GoogleGrants.Code(
        userID: user.id, scopes: scopes, redirect: redirect,
        challenge: request.query("code_challenge"), isChallengeHashed: method == "S256",
        givesRefreshToken: isOffline && (isAsked || !domain.grants.hasRefresh(ofUser: user.id)),
        expires: 0), now: now)
    return send(to: redirect, ["code": code, "scope": GoogleScope.text(scopes)])
  }

  private func send(
    to redirect: String, _ parameters: KeyValuePairs<String, String>
  ) -> HTTPServer.Response {
    var items = parameters.map { "\($0)=\(PercentEncoding.encode($1))" }
    if let state = request.query("state") {
      items.insert("state=\(PercentEncoding.encode(state))", at: 0)
    }
    var response = HTTPServer.Response(302)
    let mark = redirect.contains("?") ? "&" : "?"
    response.headers.add("Location", redirect + mark + items.joined(separator: "&"))
    return response
  }

  private func question(
    _ user: DirectoryUser, _ scopes: Set<GoogleScope>
  ) -> HTTPServer.Response {
    let items = GoogleScope.allCases.filter(scopes.contains).map { "<li>\($0.address)" }
    let query = Self.escaped(request.queryText)
    return page(
      200, "Sallyport wants to access your Google Account",
      """
      \(user.email)
      <ul>
      \(items.joined(separator: "\n"))
      </ul>
      <p><a href="?\(query)&amp;deny=1">Cancel</a> <a href="?\(query)&amp;auto=1">Allow</a>
      """)
  }

  private func page(_ status: Int, _ title: String, _ body: String) -> HTTPServer.Response {
    .html(
      status,
      """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>\(title)</title>
      <h1>\(title)</h1>
      <p>\(status == 200 ? body : Self.escaped(body))
      </html>

      """)
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
