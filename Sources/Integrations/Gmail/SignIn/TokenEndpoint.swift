import Basics
import HTTP
import Plugin

/// Google's token endpoint (RFC 6749 section 3.2).
struct TokenEndpoint: Sendable {
  private let settings: GmailSettings
  private let connection: Connection
  private let url: String

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    url = settings.tokenURL?.text ?? ""
  }

  // MARK: Grants

  /// RFC 7523: an assertion for an access token.
  func exchange(
    assertion: String, for grant: GmailGrant, in invocation: Invocation
  ) async throws(CommandError) -> AccessToken {
    connection.secrets.add(assertion)
    defer { connection.secrets.remove(assertion) }
    let fields: FormFields = [
      "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion,
    ]
    return try await send(fields, keeping: nil, in: invocation)
  }

  /// RFC 6749 sections 4.1.3 and 6: the refresh token, or else the authorization code, for an access
  /// token.
  ///
  /// - Parameter known: the refresh token of an earlier answer.
  func refresh(known: String?, in invocation: Invocation) async throws(CommandError) -> AccessToken {
    let secret = try await read(settings.clientSecret, "client_secret")
    var fields: FormFields = ["client_id": settings.clientID ?? "", "client_secret": secret]
    if let token = try await refreshToken(known) {
      fields.append("grant_type", "refresh_token")
      fields.append("refresh_token", token)
      return try await send(fields, keeping: token, in: invocation)
    }
    guard settings.authorizationCode != nil else {
      throw Self.fault("There is neither a refresh token nor an authorization code.")
    }
    fields.append("grant_type", "authorization_code")
    fields.append("code", try await read(settings.authorizationCode, "authorization_code"))
    fields.append("redirect_uri", settings.callbackURL)
    let token = try await send(fields, keeping: nil, in: invocation)
    guard token.refreshToken != nil else {
      throw Self.fault("The exchange of the authorization code brought no refresh token.")
    }
    return token
  }

  private func refreshToken(_ known: String?) async throws(CommandError) -> String? {
    if let known { return known }
    guard settings.refreshToken != nil else { return nil }
    return try await read(settings.refreshToken, "refresh_token")
  }

  // MARK: Exchange

  private func send(
    _ fields: FormFields, keeping refresh: String?, in invocation: Invocation
  ) async throws(CommandError) -> AccessToken {
    var request = HTTPRequest(
      .post, url, headers: [HTTPRequest.Header("Accept", "application/json")], form: fields)
    request.isSecret = true
    let response = try await invocation.send(request)
    guard response.isSuccess else { throw GmailErrors.signIn(response) }
    let json = try? JSON.parse(response.body)
    guard let text = json?["access_token"]?.string, !text.isEmpty else {
      throw Self.fault("Signing in brought no access token.")
    }
    let newRefresh = json?["refresh_token"]?.string
    let token = AccessToken(
      text, lifetimeSeconds: json?["expires_in"]?.integer ?? 3_600,
      refreshToken: newRefresh ?? refresh)
    connection.secrets.add(text)
    if let newRefresh { connection.secrets.add(newRefresh) }
    return token
  }

  // MARK: Secrets

  private func read(
    _ reference: SecretReference?, _ name: String
  ) async throws(CommandError) -> String {
    guard let reference else { throw Self.fault("The setting \(name) is missing.") }
    return try await Self.read(reference, name, connection)
  }

  static func read(
    _ reference: SecretReference, _ name: String, _ connection: Connection
  ) async throws(CommandError) -> String {
    do throws(SecretReference.Fault) {
      return try await reference.resolve(connection.secrets)
    } catch {
      var fault = CommandError(
        .auth, "The setting \(name) cannot be read: \(error.reason).", remedy: error.remedy)
      fault.concernsSignIn = true
      throw fault
    }
  }

  private static func fault(_ message: String) -> CommandError {
    var error = CommandError(
      .auth, message,
      remedy: "Let the user consent again, so that there is a new authorization code, or put a "
        + "refresh token into the connection.")
    error.concernsSignIn = true
    return error
  }
}
