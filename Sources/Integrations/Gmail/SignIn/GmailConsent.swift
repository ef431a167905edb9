import Basics
import HTTP
import IntegrationKit
import JSON

/// User consent to an OAuth client (Google's "OAuth 2.0 for Mobile & Desktop Apps", RFC 8252).
extension GmailClient: ConsentingClient {
  package var reasonAgainstConsent: String? {
    settings.authenticationType == .oauthClientID ? nil : "it signs in with a service account"
  }

  package var callbackURL: String? { settings.callbackURL }

  package var consentSetting: String { RefreshToken.settingName }

  /// Without access_type and prompt, a second consent returns no refresh token.
  package func consentPage(for request: ConsentRequest) -> String {
    var url = URLBuilder(root: settings.authorizationURL?.text ?? "")
    url.query("client_id", settings.clientID)
    url.query("redirect_uri", request.redirect)
    url.query("response_type", "code")
    url.query("scope", settings.scopes.map(\.url).joined(separator: " "))
    url.query("access_type", "offline")
    url.query("prompt", "consent")
    url.query("state", request.state)
    url.query("code_challenge", request.challenge)
    url.query("code_challenge_method", "S256")
    url.query("login_hint", request.user)
    return url.text
  }

  package func redeem(
    _ code: ConsentCode, in invocation: Invocation
  ) async throws(CommandError) -> Consent {
    let (answer, obstacle) = try await tokens.endpoint.exchange(code, in: invocation)
    if let obstacle {
      throw CommandError(
        .auth, "The user consented, but the refresh token could not be saved: \(obstacle).",
        remedy: "Make the connections file writable, then let the user consent again.")
    }
    // RFC 6749 section 5.1: omitted if all scopes were granted.
    let granted = answer.scopes.map { Set($0.split(separator: " ").map(String.init)) }
    let missing = settings.scopes.map(\.url).filter { granted?.contains($0) == false }
    return Consent(user: await owner(of: answer.token, in: invocation), missingScopes: missing)
  }

  /// The address of the user who consented; nil if it is unavailable, which is not an error.
  private func owner(of token: AccessToken, in invocation: Invocation) async -> String? {
    var request = mail(.get, "me", "/profile")
    request.headers.append(
      HTTPRequest.Header("Authorization", "Bearer \(token.text)", isSecret: true))
    guard let response = try? await invocation.send(request), response.isSuccess else { return nil }
    return (try? response.json())?["emailAddress"]?.string
  }
}
