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
  private let authenticator: Authenticator<String>

  init(_ settings: AcmeSettings, on connection: Connection) {
    root = settings.server?.text ?? ""
    authenticator = Authenticator(
      on: connection, texts: { [$0] }, header: { "Bearer \($0)" }, isReplaced: { $0 != $1 },
      refresh: { (_, signIn) async throws(CommandError) in
        try await signIn.read(settings.token, named: "The token")
      })
  }

  func url(_ path: String) -> String { root + path }

  func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    let response = try await invocation.send(request, with: authenticator)
    guard response.isSuccess else { throw .upstream(response) }
    return try invocation.json(of: response, remedy: "Check the server URL of the connection.")
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
