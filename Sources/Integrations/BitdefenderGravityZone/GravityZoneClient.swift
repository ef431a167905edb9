import Basics
import HTTP
import IntegrationKit
import JSON

/// Speaks with one Control Center: JSON-RPC 2.0 over POST, the API key in the Authorization header.
package final class GravityZoneClient: VendorClient {
  let version: APIVersion
  private let deployment: GravityZoneSettings.Deployment
  let server: BaseURL?
  /// Ends in `/api`.
  private let root: String
  private let authenticator: Authenticator<APIKey>

  private struct APIKey: Sendable {
    let text: String
    /// The key as the user name of Basic authentication (RFC 7617), with an empty password.
    let basic: String
  }

  init(_ settings: GravityZoneSettings, on connection: Connection) {
    version = settings.version
    deployment = settings.deployment
    server = settings.server
    let server = settings.server?.root(without: Self.paths) ?? ""
    root = server.hasSuffix("/api") ? server : server + "/api"
    authenticator = Self.authenticator(
      settings.apiKey, of: settings.server?.server ?? "", on: connection)
  }

  /// Of the API, which users paste into server_url.
  private static let paths = [APIVersion.v10, .v11, .v12].flatMap {
    ["api/\($0.text)/jsonrpc", "\($0.text)/jsonrpc"]
  }

  // MARK: Requests

  /// A call of a method; parameters that are left out are not sent, since the vendor refuses null.
  func request(
    _ method: GravityZoneMethod, _ parameters: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPRequest {
    let version = method.version(for: version)
    let url = "\(root)/\(version.text)/jsonrpc\(method.service.path(deployment))"
    var request = HTTPRequest(
      .post, url, headers: [HTTPRequest.Header("Accept", "application/json")],
      json: JSONFragment {
        $0.object { writer in
          writer.member("jsonrpc", "2.0")
          writer.member("id", UniqueID.make())
          writer.member("method", "\(method.name)")
          writer.name("params")
          writer.object { parameters(&$0) }
        }
      })
    request.pathTemplate = .constant
    return request
  }

  /// Whether the key may be sent to a URL that the vendor named.
  func owns(_ url: String) -> Bool { server?.isSameOrigin(url) ?? false }

  // MARK: Exchanges

  package func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    let response = try await send(request, in: invocation)
    do throws(CommandError) {
      return try GravityZoneErrors.body(response, in: invocation)
    } catch {
      throw invocation.withRemedy(error)
    }
  }

  /// Sends a request with the key.
  ///
  /// - Throws: if no response arrived. Not thrown: any status.
  func send(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> HTTPResponse {
    try await invocation.send(request, with: authenticator)
  }

  /// Reads the key, which the rate limits belong to.
  package func prepare(in invocation: Invocation) async throws(CommandError) {
    try await authenticator.prepare(in: invocation)
  }

  /// After 401 it reads the key again: a key that is kept elsewhere may have been replaced there.
  private static func authenticator(
    _ reference: SecretReference, of server: String, on connection: Connection
  ) -> Authenticator<APIKey> {
    Authenticator(
      on: connection, texts: { [$0.text, $0.basic] }, header: { "Basic \($0.basic)" },
      isReplaced: { $0.text != $1.text },
      refresh: { (_, signIn) async throws(CommandError) in
        let key = try await signIn.read(reference, named: "The API key")
        connection.limiter.share(as: "bitdefender_gravityzone \(server) \(key)")
        let basic = Base64.encode(Array("\(key):".utf8))
        connection.secrets.add(basic)
        return APIKey(text: key, basic: basic)
      })
  }
}
