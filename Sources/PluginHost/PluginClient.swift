import Basics
import Delivery
import HTTP
import IntegrationKit
import JSON
import Synchronization

/// The client of one connection of a plugin.
final class PluginClient: DiagnosableClient {
  static var credentialHeader: StaticString? { nil }

  /// Tokens that a program may register for a connection, at most.
  private static let maximumTokens = 64

  private struct Token {
    var value: String
    /// Still redacted, because responses in flight may contain it.
    var previous: String?
  }

  let connection: Connection
  let plugin: Plugin
  /// The settings as the connection has them.
  private let settings: JSON
  private let secrets: [String: SecretReference]
  /// The origins that the program may send requests to.
  private let origins: [BaseURL]
  private let tokens = Mutex<[String: Token]>([:])
  /// Of an MCP server its own, otherwise that of all connections.
  let runner: PluginRunner

  /// - Throws: all faults of the settings.
  init(
    _ plugin: Plugin, _ settings: JSON, on connection: Connection
  ) throws(ParameterProblems) {
    self.connection = connection
    self.plugin = plugin
    self.settings = settings
    let checked = try plugin.settings.check(settings)
    (secrets, origins) = (checked.secrets, checked.origins)
    runner = plugin.runner(
      for: connection, settings: settings, secrets: secrets)
  }

  deinit { plugin.release(runner) }

  /// Not used: the program sends its requests through the broker.
  func exchange(
    _ request: HTTPRequest, in invocation: Invocation
  ) async throws(CommandError) -> JSON {
    try invocation.json(of: try await invocation.send(request), remedy: "")
  }

  // MARK: Settings

  /// Writes the settings for the program: secrets as placeholders, or as `values`.
  func writeSettings(to writer: inout JSONWriter, values: [String: String]?) {
    writer.object { writer in
      for setting in settings.members {
        writer.name(copying: setting.name)
        let name = setting.name.string ?? ""
        if secrets[name] == nil {
          writer.value(setting.value)
        } else {
          writer.string(values?[name] ?? SecretPlaceholder.text(of: name))
        }
      }
    }
  }

  /// The values of all secrets, for a program that gets them.
  func secretValues(in invocation: Invocation) async throws(CommandError) -> [String: String] {
    var values: [String: String] = [:]
    for (name, reference) in secrets {
      values[name] = try await invocation.read(reference, named: "The setting \(name)")
    }
    return values
  }

  /// The value of a secret, or of a token that the program has registered.
  ///
  /// - Returns: nil if there is none with that name.
  func secret(
    _ name: String, in invocation: Invocation
  ) async throws(CommandError) -> String? {
    if let reference = secrets[name] {
      return try await invocation.read(reference, named: "The setting \(name)")
    }
    return tokens.withLock { $0[name]?.value }
  }

  func isSecret(_ name: String) -> Bool {
    secrets[name] != nil || tokens.withLock { $0[name] != nil }
  }

  /// Registers a token that the program was given. It is redacted from now on.
  ///
  /// - Returns: why it is refused, or nil.
  func register(_ token: String, as name: String) -> String? {
    guard secrets[name] == nil else { return "name: is the name of a setting" }
    let outcome = tokens.withLock { tokens -> Result<String?, TooManyTokens> in
      guard let old = tokens[name] else {
        guard tokens.count < Self.maximumTokens else { return .failure(TooManyTokens()) }
        tokens[name] = Token(value: token)
        return .success(nil)
      }
      // Each counts once for the redaction.
      guard old.value != token else { return .success(token) }
      tokens[name] = Token(value: token, previous: old.value)
      return .success(old.previous)
    }
    switch outcome {
    case .failure: return "a connection has at most \(Self.maximumTokens) tokens"
    case .success(let released):
      guard released != token else { return nil }
      connection.secrets.add(token)
      if let released { connection.secrets.remove(released) }
      return nil
    }
  }

  private struct TooManyTokens: Error {}

  // MARK: Origins

  func isAllowed(_ url: String) -> Bool { origins.contains { $0.isSameOrigin(url) } }

  var servers: [BaseURL] { origins }

  var originTexts: [String] { origins.map(\.text) }
}
