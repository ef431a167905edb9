import Basics
import HTTP
import IntegrationKit
import JSON
import Redaction

/// Speaks with one Control Center: JSON-RPC 2.0 over POST, the API key in the Authorization header.
package final class GravityZoneClient: VendorClient {
  let version: APIVersion
  private let deployment: GravityZoneSettings.Deployment
  private let apiKey: SecretReference
  private let server: BaseURL?
  /// Ends in `/api`.
  private let root: String
  private let connection: Connection
  private let credentials = SingleFlight<String>()

  init(_ settings: GravityZoneSettings, on connection: Connection) {
    version = settings.version
    deployment = settings.deployment
    apiKey = settings.apiKey
    server = settings.server
    let text = settings.server?.text ?? ""
    root = text.hasSuffix("/api") ? text : text + "/api"
    self.connection = connection
  }

  // MARK: Requests

  /// A call of a method; parameters that are left out are not sent, since the vendor refuses null.
  func request(
    _ method: GravityZoneMethod, _ parameters: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPRequest {
    let version = method.version(for: version)
    let url = "\(root)/\(version.rawValue)/jsonrpc\(method.service.path(deployment))"
    return HTTPRequest(
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
  }

  package func preview(_ request: inout HTTPRequest) {
    request.headers.append(
      HTTPRequest.Header("Authorization", Redactor.replacement, isSecret: true))
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

  /// Sends a request with the key, whatever the answer is.
  func send(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> HTTPResponse {
    let holding = try await authorization(in: invocation)
    let response = try await invocation.send(authorized(request, holding.value))
    guard response.status == 401 else { return response }
    // A key that is kept elsewhere may have been replaced there.
    let current = try await authorization(insteadOf: holding, in: invocation)
    guard current.value != holding.value else { return response }
    return try await invocation.send(authorized(request, current.value))
  }

  private func authorized(_ request: HTTPRequest, _ authorization: String) -> HTTPRequest {
    var request = request
    request.headers.append(HTTPRequest.Header("Authorization", authorization, isSecret: true))
    return request
  }

  /// Reads the key, which the rate limits belong to.
  package func prepare(in invocation: Invocation) async throws(CommandError) {
    _ = try await authorization(in: invocation)
  }

  /// The key is the user name of Basic authentication (RFC 7617), with an empty password.
  private func authorization(
    insteadOf stale: SingleFlight<String>.Holding? = nil, in invocation: Invocation
  ) async throws(CommandError) -> SingleFlight<String>.Holding {
    try await credentials.value(insteadOf: stale, in: invocation.sender) {
      [self] (_) throws(CommandError) in
      let key: String
      do throws(SecretReference.Fault) {
        key = try await apiKey.resolve(connection.secrets)
      } catch {
        throw CommandError(
          .auth, "The API key cannot be read: \(error.reason).", remedy: error.remedy)
      }
      connection.limiter.share(as: "bitdefender_gravityzone \(root) \(key)")
      let credentials = Base64.encode(Array("\(key):".utf8))
      connection.secrets.add(credentials)
      return "Basic " + credentials
    }
  }
}
