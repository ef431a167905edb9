import Basics
import Delivery
import IntegrationKit
import JSON
import Redaction

/// The variables of the program of one connection: those of `plugin.json`, and its settings.
struct MCPEnvironment: Sendable {
  private let description: PluginDescription
  private let settings: JSON
  private let secrets: [String: SecretReference]
  private let redactor: Redactor

  init(
    _ description: PluginDescription, _ settings: JSON, _ secrets: [String: SecretReference],
    _ redactor: Redactor
  ) {
    self.description = description
    self.settings = settings
    self.secrets = secrets
    self.redactor = redactor
  }

  /// - Throws: for a secret that cannot be read.
  func variables(by deadline: Deadline) async throws(PluginFault) -> [String: String] {
    var variables = description.environment
    for setting in description.settings {
      if let secret = secrets[setting.name] {
        do throws(SecretReference.Fault) {
          variables[setting.variable] = try await secret.resolve(redactor, by: deadline)
        } catch {
          throw PluginFault(error.error(reading: "The setting \(setting.name)"))
        }
      } else if let value = settings[setting.name]?.string {
        variables[setting.variable] = value
      }
      guard variables[setting.variable]?.utf8.contains(0) != true else {
        throw PluginFault(["the setting \(setting.name) contains a zero byte"])
      }
    }
    return variables
  }
}
