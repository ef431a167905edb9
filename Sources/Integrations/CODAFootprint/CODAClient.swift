import Basics
import HTTP
import IntegrationKit
import JSON

/// Speaks with one CODA tenant: URLs, sign-in, errors.
package final class CODAClient: VendorClient {
  let profile: CODAProfile
  private let authenticator: Authenticator<CODATokens>
  let root: String

  init(_ settings: CODASettings, on connection: Connection) {
    profile = CODAProfile(profile: settings.profile)
    let server = settings.server?.root(without: Self.paths) ?? ""
    root = server.hasSuffix("/api") ? server : server + "/api"
    authenticator = CODASignIn(settings, root: root, on: connection).authenticator
  }

  /// Of the API, which users paste into server_url.
  private static let paths = ["api/auth", "api/common", "api/console"]

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
    request.pathTemplate = url.pathTemplate
    request.headers.append(HTTPRequest.Header("Accept", "application/json"))
    if let tenant {
      request.headers.append(HTTPRequest.Header("FootprintTenantId", String(tenant)))
    }
    return request
  }

  // MARK: Exchanges

  package func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    let response = try await invocation.send(request, with: authenticator)
    guard response.isSuccess else {
      throw invocation.withRemedy(CODAErrors.error(response, in: invocation))
    }
    return try CODAErrors.body(response, in: invocation)
  }
}
