import HTTP
import IntegrationKit
import JSON

enum AcmeEDR: Integration {
  static let metadata = IntegrationMetadata(
    id: "acme_edr", title: "Acme EDR", description: "Endpoint detection.",
    category: "Endpoint Security")

  static let commands = [CommandEntry(ListHosts.self)]

  static func client(_ settings: AcmeSettings, on connection: Connection) -> AcmeClient {
    AcmeClient(settings, on: connection)
  }
}

struct AcmeSettings: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim

  let server: BaseURL?
  let token: SecretReference

  init(_ settings: inout ParamReader) {
    server = settings.required("server_url", .serverURL, "The address of the server.")
    token = settings.required("token", .secret, "An API token.")
  }
}

final class AcmeClient: VendorClient {
  private let root: String
  private let token: SecretReference
  private let connection: Connection

  init(_ settings: AcmeSettings, on connection: Connection) {
    root = settings.server?.text ?? ""
    token = settings.token
    self.connection = connection
  }

  func url(_ path: String) -> String { root + path }

  func preview(_ request: inout HTTPRequest) {
    request.headers.append(HTTPRequest.Header("Authorization", "[redacted]", isSecret: true))
  }

  func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    let secret: String
    do throws(SecretReference.Fault) {
      secret = try await token.resolve(connection.secrets)
    } catch {
      throw CommandError(.auth, "The token cannot be read: \(error.reason).", remedy: error.remedy)
    }
    var request = request
    request.headers.append(
      HTTPRequest.Header("Authorization", "Bearer \(secret)", isSecret: true))
    let response = try await invocation.send(request)
    guard response.isSuccess else { throw .upstream(response) }
    do {
      return try JSON.parse(response.body)
    } catch {
      throw CommandError(.upstream, "The response is not JSON: \(error).")
    }
  }
}

protocol AcmeCommand: Command where Client == AcmeClient {}

struct ListHosts: AcmeCommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Hosts", "Lists the hosts of a site.", items: ItemsPath("hosts"))

  let site: String

  init(_ parameters: inout ParamReader) {
    site = parameters.required("Site", .text(maximumCharacters: 64), "The site, such as berlin.")
  }

  func request(with client: AcmeClient) -> HTTPRequest {
    HTTPRequest(.get, client.url("/hosts?site=\(site)"))
  }
}
