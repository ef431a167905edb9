import Basics
import HTTP
import IntegrationKit
import JSON

/// Google's token endpoint (RFC 6749 section 3.2).
struct TokenEndpoint: Sendable {
  private let settings: GmailSettings
  private let connection: Connection
  private let refreshToken: RefreshToken
  private let url: String

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    refreshToken = RefreshToken(settings.refreshToken, on: connection)
    url = settings.tokenURL?.text ?? ""
  }

  // MARK: Grants

  /// RFC 7523: an assertion for an access token.
  func exchange(
    assertion: String, in invocation: Invocation
  ) async throws(CommandError) -> AccessToken {
    connection.secrets.add(assertion)
    defer { connection.secrets.remove(assertion) }
    return try await send(
      [
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion,
      ], in: invocation
    ).token
  }

  /// RFC 6749 sections 4.1.3 and 6: the refresh token, or without one the authorization
  /// code, for an access token.
  ///
  /// A vendor may replace the refresh token with each exchange. So other processes with the same
  /// connections file wait, and then use the new one.
  func refresh(in invocation: Invocation) async throws(CommandError) -> Answer {
    try await connection.exclusively(RefreshToken.settingName, in: invocation) {
      () async throws(CommandError) in try await refreshLocked(in: invocation)
    }
  }

  private func refreshLocked(in invocation: Invocation) async throws(CommandError) -> Answer {
    guard let token = try await refreshToken.text(in: invocation) else {
      guard settings.authorizationCode != nil else {
        throw Self.fault("There is neither a refresh token nor an authorization code.")
      }
      return try await exchangeCode(in: invocation)
    }
    do throws(CommandError) {
      return try await exchange(refreshToken: token, in: invocation)
    } catch {
      // A code beside a refresh token that is dead may be of a new consent.
      guard error.kind == .auth, !refreshToken.wasIssued, settings.authorizationCode != nil,
        let token = try? await exchangeCode(in: invocation)
      else { throw error }
      return token
    }
  }

  private func exchange(
    refreshToken token: String, in invocation: Invocation
  ) async throws(CommandError) -> Answer {
    var fields = try await client(in: invocation)
    fields.append("grant_type", "refresh_token")
    do throws(CommandError) {
      return try await send(fields.adding("refresh_token", token), in: invocation)
    } catch {
      // Something that does not take the lock, such as a person, may have written another one.
      guard error.upstream?.json["error"]?.equals("invalid_grant") == true,
        let other = await refreshToken.textOfFile(insteadOf: token)
      else { throw error }
      return try await send(fields.adding("refresh_token", other), in: invocation)
    }
  }

  private func exchangeCode(in invocation: Invocation) async throws(CommandError) -> Answer {
    let code = ConsentCode(
      try await read(settings.authorizationCode, "authorization_code", in: invocation),
      redirect: settings.callbackURL ?? "", verifier: nil)
    return try await exchangeLocked(code, in: invocation).answer
  }

  /// RFC 6749 section 4.1.3, with the verifier of RFC 7636: what a consent page answered for a
  /// refresh token.
  ///
  /// - Returns: why the refresh token is not kept, too.
  func exchange(
    _ code: ConsentCode, in invocation: Invocation
  ) async throws(CommandError) -> CodeAnswer {
    try await connection.exclusively(RefreshToken.settingName, in: invocation) {
      () async throws(CommandError) in try await exchangeLocked(code, in: invocation)
    }
  }

  typealias CodeAnswer = (answer: Answer, obstacle: String?)

  private func exchangeLocked(
    _ code: ConsentCode, in invocation: Invocation
  ) async throws(CommandError) -> CodeAnswer {
    connection.secrets.add(code.text)
    if let verifier = code.verifier { connection.secrets.add(verifier) }
    defer {
      connection.secrets.remove(code.text)
      if let verifier = code.verifier { connection.secrets.remove(verifier) }
    }
    var fields = try await client(in: invocation)
    fields.append("grant_type", "authorization_code")
    fields.append("code", code.text)
    fields.append("redirect_uri", code.redirect.isEmpty ? nil : code.redirect)
    fields.append("code_verifier", code.verifier)
    let answer = try await answer(to: fields, in: invocation)
    guard let refreshToken = answer.refreshToken else {
      throw Self.fault(
        "The exchange of the authorization code brought no refresh token.",
        remedy: "Google gives one to who asks with access_type=offline and prompt=consent, as "
          + "sallyport auth gmail does.")
    }
    let obstacle = await self.refreshToken.replace(with: refreshToken)
    return (answer, obstacle)
  }

  private func client(in invocation: Invocation) async throws(CommandError) -> FormFields {
    [
      "client_id": settings.clientID ?? "",
      "client_secret": try await read(settings.clientSecret, "client_secret", in: invocation),
    ]
  }

  // MARK: Exchange

  struct Answer: Sendable {
    let token: AccessToken
    let refreshToken: String?
    /// Separated by blanks.
    let scopes: String?
  }

  private func send(
    _ fields: FormFields, in invocation: Invocation
  ) async throws(CommandError) -> Answer {
    let answer = try await answer(to: fields, in: invocation)
    if let issued = answer.refreshToken { await refreshToken.replace(with: issued) }
    return answer
  }

  private func answer(
    to fields: FormFields, in invocation: Invocation
  ) async throws(CommandError) -> Answer {
    var request = HTTPRequest(
      .post, url, headers: [HTTPRequest.Header("Accept", "application/json")], form: fields)
    request.isSecret = true
    request.pathTemplate = .constant
    let response: HTTPResponse
    do throws(CommandError) {
      response = try await invocation.send(request, refusedByRate: SignInError.rateRefusal)
    } catch {
      var error = error
      error.concernsSignIn = true
      throw error
    }
    guard response.isSuccess else {
      throw SignInError.error(
        response, by: fields["assertion"] == nil ? .oauthClient : .serviceAccount)
    }
    let json: JSON
    do throws(JSONError) {
      json = try response.json()
    } catch {
      throw Self.fault(
        "Signing in brought no access token: the response is not JSON: \(error).",
        remedy: "Check token_url of the connection, and whether a proxy changes responses.")
    }
    guard let text = json["access_token"]?.string, !text.isEmpty else {
      throw Self.fault("Signing in brought no access token.")
    }
    connection.secrets.add(text)
    let refreshToken = json["refresh_token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    return Answer(
      token: AccessToken(text, lifetimeSeconds: json["expires_in"]?.integer ?? 3_600),
      refreshToken: refreshToken, scopes: json["scope"]?.string)
  }

  // MARK: Secrets

  private func read(
    _ reference: SecretReference?, _ name: String, in invocation: Invocation
  ) async throws(CommandError) -> String {
    guard let reference else { throw Self.fault("The setting \(name) is missing.") }
    return try await Self.read(reference, name, in: invocation)
  }

  static func read(
    _ reference: SecretReference, _ name: String, in invocation: Invocation
  ) async throws(CommandError) -> String {
    do throws(CommandError) {
      return try await invocation.read(reference, named: "The setting \(name)")
    } catch {
      var error = error
      error.concernsSignIn = true
      throw error
    }
  }

  private static func fault(
    _ message: String,
    remedy: String = "Let the user consent with sallyport auth gmail, or put a refresh token into "
      + "the connection."
  ) -> CommandError {
    var error = CommandError(.auth, message, remedy: remedy)
    error.concernsSignIn = true
    return error
  }
}

extension FormFields {
  fileprivate func adding(_ name: String, _ value: String) -> FormFields {
    var fields = self
    fields.append(name, value)
    return fields
  }
}
