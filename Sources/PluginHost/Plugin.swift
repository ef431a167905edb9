import Basics
import IntegrationKit
import JSON
import JSONSchema
import Synchronization

/// One plugin that can be used: what it says about itself, and its program.
final class Plugin: Sendable {
  let folder: PluginFolder
  let catalogue: PluginCatalogue
  let context: PluginContext
  /// The program of all connections; of an MCP server the one that described it.
  private let runner: PluginRunner
  private let own = Mutex(Own())

  /// The programs of single connections.
  private struct Own {
    var runners: [ObjectIdentifier: PluginRunner] = [:]
    /// Those that end.
    var ending: [PluginRunner] = []
    var isClosed = false
  }

  var id: String { folder.id }
  var settings: PluginSettings { catalogue.settings }

  init(
    _ folder: PluginFolder, _ catalogue: PluginCatalogue, _ runner: PluginRunner,
    _ context: PluginContext
  ) {
    self.folder = folder
    self.catalogue = catalogue
    self.runner = runner
    self.context = context
  }

  // MARK: Programs

  /// The program of a connection. Give it back with `release`.
  func runner(
    for connection: Connection, settings: JSON, secrets: [String: SecretReference]
  ) -> PluginRunner {
    guard folder.description.childProtocol == .mcp else { return runner }
    let environment = MCPEnvironment(folder.description, settings, secrets, connection.secrets)
    let runner = PluginRunner(
      folder,
      variables: { (deadline) async throws(PluginFault) in
        try await environment.variables(by: deadline)
      }, context: context, dialect: runner.dialect, locked: catalogue)
    let isClosed = own.withLock { own in
      own.runners[ObjectIdentifier(runner)] = runner
      return own.isClosed
    }
    if isClosed { runner.close() }
    return runner
  }

  /// Nobody uses the program of a connection any more.
  func release(_ runner: PluginRunner) {
    guard runner !== self.runner else { return }
    runner.close()
    own.withLock { own in
      own.ending.removeAll(where: \.hasEnded)
      if let runner = own.runners.removeValue(forKey: ObjectIdentifier(runner)), !runner.hasEnded {
        own.ending.append(runner)
      }
    }
  }

  /// Ends all programs. Later calls fail.
  func close() {
    let runners = own.withLock { own in
      own.isClosed = true
      return Array(own.runners.values)
    }
    for runner in runners + [runner] { runner.close() }
  }

  /// Blocks until no program runs any more.
  func waitUntilEnded(until deadline: Deadline) {
    let runners = own.withLock { Array($0.runners.values) + $0.ending }
    for runner in runners + [runner] { runner.waitUntilEnded(until: deadline) }
  }

  // MARK: Commands

  /// The integration that callers see.
  func registered() -> RegisteredIntegration {
    RegisteredIntegration(
      catalogue.metadata, catalogue.commands.map { registered($0) }, settings: settings.shape
    ) { [self] (settings, connection) throws(ParameterProblems) in
      try PluginClient(self, settings, on: connection)
    }
  }

  private func registered(_ command: PluginCatalogue.Command) -> RegisteredCommand {
    RegisteredCommand(
      id: command.id, command.metadata, hasPages: command.hasPages,
      canPartlySucceed: command.canPartlySucceed, shape: command.shape,
      check: { (arguments) throws(ParameterProblems) in
        let faults = command.schema.faults(of: arguments ?? Self.noArguments)
        guard faults.isEmpty else {
          throw ParameterProblems(
            faults.map { ParameterProblem($0) }, of: command.shape, remedy: nil)
        }
      },
      ready: { [self] (arguments, connection) in
        guard let client = connection.client as? PluginClient else {
          preconditionFailure("a command of another integration")
        }
        return PluginCommand(
          plugin: self, command: command, arguments: arguments ?? Self.noArguments, client: client)
      })
  }

  private static let noArguments = JSONFragment { $0.object { _ in } }.json
}
