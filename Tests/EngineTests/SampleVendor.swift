import Basics
import FileStore
import HTTP
import IntegrationKit
import JSON
import RateLimits
import Redaction
import Synchronization

@testable import Engine

/// A vendor of three commands, for tests of the engine.
enum SampleVendor: Integration {
  static let metadata = IntegrationMetadata(
    id: "sample", title: "Sample", description: "For tests.", category: "Tests")
  static let commands = [
    CommandEntry(ListThings.self), CommandEntry(SetPassword.self), CommandEntry(DeleteThings.self),
  ]

  static func client(_ settings: SampleSettings, on connection: IntegrationKit.Connection)
    -> SampleClient
  {
    SampleClient()
  }
}

struct SampleSettings: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  let token: SecretReference

  init(_ settings: inout ParamReader) {
    token = settings.required("token", .secret, "A token.")
  }
}

final class SampleClient: VendorClient {
  static let credentialHeader: StaticString? = nil

  func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    if Task.isCancelled { throw .cancelled(outcome: .notApplied) }
    let response = try await invocation.send(request)
    guard response.isSuccess else { throw .upstream(response) }
    return (try? JSON.parse(response.body)) ?? JSONFragment.null.json
  }
}

protocol SampleCommand: Command where Client == SampleClient {}

struct ListThings: SampleCommand, RequestCommand {
  static let metadata = CommandMetadata("List Things", "Lists.", items: ItemsPath("things"))
  let page: Int64

  init(_ parameters: inout ParamReader) {
    page = parameters.optional("Page", .integer(from: 1, to: 10), "The page.", default: 1)
  }

  func request(with client: SampleClient) -> HTTPRequest {
    HTTPRequest(.get, "https://sample.example/things?page=\(page)")
  }
}

struct SetPassword: SampleCommand, RequestCommand {
  static let metadata = CommandMetadata("Set Password", "Sets.", effect: .write)
  let password: String

  init(_ parameters: inout ParamReader) {
    password = parameters.required("Password", .password, "The password.")
  }

  func request(with client: SampleClient) -> HTTPRequest {
    HTTPRequest(.post, "https://sample.example/password")
  }
}

struct DeleteThings: SampleCommand, TargetCommand {
  static let metadata = CommandMetadata("Delete Things", "Deletes.", effect: .destructive)
  let ids: [String]

  init(_ parameters: inout ParamReader) {
    ids = parameters.required("IDs", .list(of: .text), "The things.")
  }

  func targets(with client: SampleClient) -> [Target] {
    ids.map { Target($0, HTTPRequest(.delete, "https://sample.example/things/\($0)")) }
  }
}

/// Answers requests as a function says, and counts them.
final class ScriptedTransport: Transport {
  private let answer: @Sendable (HTTPRequest) async -> HTTPResponse
  private let sent = Mutex<[String]>([])

  var requests: [String] { sent.withLock { $0 } }

  init(_ answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) { self.answer = answer }

  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    sent.withLock { $0.append(request.url) }
    return await answer(request)
  }
}

extension HTTPResponse {
  static func json(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: [], body: Array(text.utf8))
  }
}

extension Engine {
  /// An engine with one connection to the sample vendor, `first`.
  static func sample(
    _ transport: any Transport, options: EngineOptions = EngineOptions(),
    connections: String = #"{"first":{"integration":"sample","settings":{"token":"token-1"}}}"#
  ) throws -> Engine {
    let redactor = Redactor()
    let log = Log(level: .error) { redactor.redact($0) }
    let files = try FileStore()
    let catalogue = Catalogue([RegisteredIntegration(SampleVendor.self)], hash: "sha256:0")
    let store = ConnectionStore(
      catalogue,
      ConnectionEnvironment(transport: transport, secrets: redactor, log: log, files: files))
    try store.load(Array(#"{"connections":\#(connections)}"#.utf8), named: "test")
    return Engine(
      catalogue: catalogue, connections: store, redactor: redactor, log: log, options: options,
      ledger: try IdempotencyLedger(directory: nil, log: log), files: files)
  }

  func request(
    _ command: String, _ arguments: String = "{}", on connection: ConnectionReference = .onlyOne,
    change: (inout InvocationOptions) -> Void = { _ in }
  ) throws -> InvocationRequest {
    var options = InvocationOptions.none
    change(&options)
    let integration = catalogue.integrations[0]
    let found = integration.commands.first { $0.id == command } ?? integration.commands[0]
    return InvocationRequest(
      integration, found, on: connection, arguments: try JSON.parse(arguments), options: options)
  }
}
