import Basics
import IntegrationKit
import JSON
import JSONSchema

/// One plugin that can be used: what it says about itself, and its program.
final class Plugin: Sendable {
  let folder: PluginFolder
  let catalogue: PluginCatalogue
  let context: PluginContext
  let runner: PluginRunner

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
          plugin: self, command: command, arguments: arguments, client: client)
      })
  }

  private static let noArguments = JSONFragment { $0.object { _ in } }.json
}
