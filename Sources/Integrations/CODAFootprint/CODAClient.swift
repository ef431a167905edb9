import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction

/// Speaks with one CODA tenant: URLs, sign-in, errors.
package final class CODAClient: VendorClient {
  /// What signing in brings (`POST /api/auth/token/`).
  struct Tokens: Sendable {
    var access: String
    var refresh: String?
    var since: MonotonicTime
    /// The ones before, which answers that are still on their way may hold.
    var superseded: [String] = []

    var texts: [String] { [access] + (refresh.map { [$0] } ?? []) }
  }

  /// A 403 on a token older than this may mean that it has expired: the vendor's own client signs
  /// in again on 401 and 403. On a fresh token a 403 is about permissions.
  private static let freshTokenMilliseconds = 60_000

  let profile: CODAProfile
  private let settings: CODASettings
  private let connection: Connection
  private let tokens = SingleFlight<Tokens>()
  private let root: String

  init(_ settings: CODASettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    profile = CODAProfile(profile: settings.profile)
    let server = settings.server?.text ?? ""
    root = server.hasSuffix("/api") ? server : server + "/api"
  }

  // MARK: Requests

  /// A request to a path below `/api`, every one of which ends in a slash: a fixed path, or one
  /// with an id in it, as in `/console/elements/device/17/users/`.
  func request(
    _ method: HTTPRequest.Method, _ path: StaticString, _ id: Int64? = nil,
    _ rest: StaticString = "", tenant: Int64?, body: JSONFragment? = nil,
    query: (inout URLBuilder) -> Void = { _ in }
  ) -> HTTPRequest {
    var url = URLBuilder(root: root)
    url.path(path)
    if let id { url.path(id) }
    url.path(rest)
    query(&url)
    var request: HTTPRequest
    if let body {
      request = HTTPRequest(method, url.text, json: body)
    } else {
      request = HTTPRequest(method, url.text)
    }
    request.headers.append(HTTPRequest.Header("Accept", "application/json"))
    if let tenant {
      request.headers.append(HTTPRequest.Header("FootprintTenantId", String(tenant)))
    }
    return request
  }

  package func preview(_ request: inout HTTPRequest) {
    request.headers.append(
      HTTPRequest.Header("Authorization", Redactor.replacement, isSecret: true))
  }

  private func authorized(_ request: HTTPRequest, with token: String) -> HTTPRequest {
    var request = request
    request.headers.append(
      HTTPRequest.Header("Authorization", "Bearer \(token)", isSecret: true))
    return request
  }

  // MARK: Exchanges

  package func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    var holding = try await signIn(insteadOf: nil, in: invocation)
    var response = try await invocation.send(
      authorized(request, with: holding.value.access))
    if isStale(holding.value, response) {
      holding = try await signIn(insteadOf: holding, in: invocation)
      response = try await invocation.send(authorized(request, with: holding.value.access))
    }
    guard response.isSuccess else {
      throw invocation.withRemedy(CODAErrors.error(response, in: invocation))
    }
    return try CODAErrors.body(response, in: invocation)
  }

  private func isStale(_ tokens: Tokens, _ response: HTTPResponse) -> Bool {
    switch response.status {
    case 401: true
    case 403:
      MonotonicTime.now.milliseconds(since: tokens.since) > Self.freshTokenMilliseconds
    default: false
    }
  }

  // MARK: Signing in

  private func signIn(
    insteadOf stale: SingleFlight<Tokens>.Holding?, in invocation: Invocation
  ) async throws(CommandError) -> SingleFlight<Tokens>.Holding {
    try await tokens.value(insteadOf: stale, in: invocation.sender) {
      [self] (old) throws(CommandError) in
      var tokens = try await newTokens(insteadOf: old)
      for token in old?.superseded ?? [] { connection.secrets.remove(token) }
      tokens.superseded = old?.texts ?? []
      return tokens
    }
  }

  private func newTokens(insteadOf old: Tokens?) async throws(CommandError) -> Tokens {
    let signIn = Invocation.signIn(on: connection) { [tokens] in tokens.mayWait(until: $0) }
    // A refresh token that is not taken any more is no fault: signing in anew replaces it.
    if let refresh = old?.refresh, let renewed = try? await renew(refresh, in: signIn) {
      return renewed
    }
    return try await logIn(in: signIn)
  }

  private func logIn(in invocation: Invocation) async throws(CommandError) -> Tokens {
    let password: String
    do throws(SecretReference.Fault) {
      password = try await settings.password.resolve(connection.secrets)
    } catch {
      throw CommandError(
        .auth, "The password cannot be read: \(error.reason).", remedy: error.remedy)
    }
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
  ) async throws(CommandError) -> Tokens {
    let body = JSONFragment { $0.object { $0.member("refresh", refresh) } }
    return try await fetchTokens("/auth/token/refresh/", body, keeping: refresh, in: invocation)
  }

  private func fetchTokens(
    _ path: StaticString, _ body: JSONFragment, keeping refresh: String?, in invocation: Invocation
  ) async throws(CommandError) -> Tokens {
    var request = request(.post, path, tenant: nil, body: body)
    request.isSecret = true
    let response = try await invocation.send(request)
    guard response.isSuccess else { throw CODAErrors.signIn(response) }
    let answer: JSON
    do throws(CommandError) {
      answer = try CODAErrors.body(response, in: invocation)
    } catch {
      // What came may hold tokens, which nobody knows yet.
      var error = error
      error.upstream = nil
      throw error
    }
    guard let access = answer["access"]?.string, !access.isEmpty else {
      throw CODAErrors.noToken(response)
    }
    let newRefresh = answer["refresh"]?.string ?? refresh
    let tokens = Tokens(access: access, refresh: newRefresh, since: .now)
    for token in tokens.texts { connection.secrets.add(token) }
    return tokens
  }
}
