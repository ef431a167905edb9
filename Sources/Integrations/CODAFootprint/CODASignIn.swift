import Basics
import HTTP
import IntegrationKit
import JSON

/// The result of a sign-in (`POST /api/auth/token/`).
struct CODATokens: Sendable {
  var access: String
  var refresh: String?
  var since: MonotonicTime

  var texts: [String] { [access] + (refresh.map { [$0] } ?? []) }
}

/// Signs in to one CODA tenant: with a refresh token if there is one, otherwise with the password.
struct CODASignIn: Sendable {
  /// A 403 on a token older than this may mean that it has expired: the vendor's own client signs
  /// in again on 401 and 403. On a fresh token a 403 is about permissions.
  private static let freshTokenMilliseconds = 60_000

  private let settings: CODASettings
  private let root: String
  private let connection: Connection

  init(_ settings: CODASettings, root: String, on connection: Connection) {
    self.settings = settings
    self.root = root
    self.connection = connection
  }

  var authenticator: Authenticator<CODATokens> {
    Authenticator(
      on: connection, texts: { $0.texts }, header: { "Bearer \($0.access)" },
      isExpired: Self.isExpired,
      refresh: { (old, invocation) async throws(CommandError) in
        // A refresh token that is no longer valid is not an error: a login replaces it.
        if let refresh = old?.refresh, let renewed = try? await renew(refresh, in: invocation) {
          return renewed
        }
        return try await logIn(in: invocation)
      })
  }

  private static func isExpired(_ tokens: CODATokens, _ response: HTTPResponse) -> Bool {
    switch response.status {
    case 401: true
    // A page is of a firewall, which no sign-in changes.
    case 403:
      !response.isPage
        && MonotonicTime.now.milliseconds(since: tokens.since) > freshTokenMilliseconds
    default: false
    }
  }

  private func logIn(in invocation: Invocation) async throws(CommandError) -> CODATokens {
    let password = try await invocation.read(settings.password, named: "The password")
    let credentials = JSONFragment {
      $0.object {
        $0.member("username", settings.userName)
        $0.member("password", password)
      }
    }
    return try await fetchTokens("/auth/token/", credentials, keeping: nil, in: invocation)
  }

  private func renew(
    _ refresh: String, in invocation: Invocation
  ) async throws(CommandError) -> CODATokens {
    let body = JSONFragment { $0.object { $0.member("refresh", refresh) } }
    return try await fetchTokens("/auth/token/refresh/", body, keeping: refresh, in: invocation)
  }

  private func fetchTokens(
    _ path: String, _ body: JSONFragment, keeping refresh: String?, in invocation: Invocation
  ) async throws(CommandError) -> CODATokens {
    var request = HTTPRequest(.post, root + path, json: body)
    request.headers.append(HTTPRequest.Header("Accept", "application/json"))
    request.isSecret = true
    request.pathTemplate = .constant
    let response = try await invocation.send(request)
    guard response.isSuccess else { throw CODAErrors.signIn(response) }
    let answer: JSON
    do throws(CommandError) {
      answer = try CODAErrors.body(response, in: invocation)
    } catch {
      // The body may contain tokens that are not redacted yet.
      var error = error
      error.upstream = nil
      throw error
    }
    guard let access = answer["access"]?.string, !access.isEmpty else {
      throw CODAErrors.noToken(response)
    }
    let newRefresh = answer["refresh"]?.string ?? refresh
    let tokens = CODATokens(access: access, refresh: newRefresh, since: .now)
    for token in tokens.texts { connection.secrets.add(token) }
    return tokens
  }
}
