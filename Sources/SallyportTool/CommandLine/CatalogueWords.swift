import Basics
import Engine
import IntegrationKit

/// Looks up integrations and commands that are named on the command line.
enum CatalogueWords {
  static func integration(_ id: String) throws(UsageError) -> RegisteredIntegration {
    Integrations.catalogue.load(id)
    if let found = Integrations.catalogue.integration(id) { return found }
    if let obstacle = Integrations.catalogue.obstacle(to: id) {
      throw UsageError("\(obstacle.message)", remedy: obstacle.remedy.map { "\($0)" })
    }
    let ids = Integrations.all.map(\.id)
    throw UsageError(
      "unknown integration \"\(id)\"", didYouMean: Suggestion.closest(to: id, among: ids),
      remedy: "Available integrations: \(ids.joined(separator: ", ")).")
  }

  static func command(
    _ id: String, of integration: RegisteredIntegration
  ) throws(UsageError) -> RegisteredCommand {
    if let found = integration.commands.first(where: { $0.id == id }) { return found }
    throw UsageError(
      "unknown command \"\(id)\" of \(integration.id)",
      didYouMean: Suggestion.closest(to: id, among: integration.commands.map(\.id)),
      remedy: "sallyport capabilities \(integration.id) lists its commands.")
  }

  /// The integration and command in the first two arguments.
  static func command(
    _ words: [String]
  ) throws(UsageError) -> (RegisteredIntegration, RegisteredCommand) {
    guard words.count >= 2, !words[0].hasPrefix("-"), !words[1].hasPrefix("-") else {
      throw UsageError(
        "missing integration and command",
        remedy: "Example: coda_footprint list_devices")
    }
    let integration = try integration(words[0])
    return (integration, try command(words[1], of: integration))
  }
}
