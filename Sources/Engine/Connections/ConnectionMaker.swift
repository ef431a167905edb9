import Basics
import IntegrationKit
import JSON

/// Makes connections from their definitions.
struct ConnectionMaker: Sendable {
  let catalogue: Catalogue
  let environment: ConnectionEnvironment

  /// A connection of a caller.
  ///
  /// - Parameter name: nil for one that is given inline.
  func callerConnection(
    _ json: JSON, name: String?
  ) throws(ParameterProblems) -> OpenConnection {
    let definition = try Self.definition(json)
    try WireConnection.check(definition)
    // Calls with a connection wait for its integration before they come here.
    return try open(definition, of: try integration(of: definition), name: name, keeper: nil)
  }

  /// A connection of the connections file that can be opened.
  struct Candidate: Sendable {
    let definition: ConnectionDefinition
    let integration: RegisteredIntegration
    let text: ConfiguredDefinition
    /// The definition with the values of references that are no secrets.
    let resolved: JSON

    /// The same with another definition of the integration.
    func with(_ json: JSON) throws(ParameterProblems) -> Candidate {
      Candidate(
        definition: try ConnectionMaker.definition(json), integration: integration, text: text,
        resolved: json)
    }
  }

  /// Blocks while a plugin starts, and while references are read.
  func candidate(_ json: JSON) throws(ParameterProblems) -> Candidate {
    let written = try Self.definition(json)
    catalogue.load(written.integration)
    let integration = try integration(of: written)
    let named = NamedFiles(of: written)
    named.protect(in: environment.files)
    // Before a program of the definition is run.
    try named.check { environment.log.warning($0) }
    let resolved = try PlainReferences(integration, environment.secrets).resolved(json)
    return Candidate(
      definition: try Self.definition(resolved), integration: integration,
      text: ConfiguredDefinition(resolved), resolved: resolved)
  }

  func open(
    _ candidate: Candidate, name: String, keeper: Connection.Keeper?
  ) throws(ParameterProblems) -> OpenConnection {
    try open(candidate.definition, of: candidate.integration, name: name, keeper: keeper)
  }

  private static func definition(_ json: JSON) throws(ParameterProblems) -> ConnectionDefinition {
    try ConnectionDefinition.shape.decode(json) { ConnectionDefinition(&$0) }
  }

  private func integration(
    of definition: ConnectionDefinition
  ) throws(ParameterProblems) -> RegisteredIntegration {
    if let found = catalogue.integration(definition.integration) { return found }
    let ids = catalogue.integrations.map(\.id)
    throw ParameterProblems(
      ParameterProblem(
        "unknown integration; expected one of: \(ids.joined(separator: ", "))",
        at: "integration",
        didYouMean: Suggestion.closest(to: definition.integration, among: ids)),
      of: ConnectionDefinition.shape)
  }

  private func open(
    _ definition: ConnectionDefinition, of integration: RegisteredIntegration, name: String?,
    keeper: Connection.Keeper?
  ) throws(ParameterProblems) -> OpenConnection {
    try ConnectionRules.check(definition.rateLimits, of: integration)
    try ConnectionRules.check(definition.policy, of: integration)
    let connection = try Connection(
      name: name, definition, environment: environment, keeper: keeper)
    do throws(ParameterProblems) {
      let open = try integration.open(connection)
      // Now that it is valid. They are released with the connection.
      for name in integration.settingsShape.secretNames {
        if let secret = definition.settings[name]?.string { connection.secrets.add(secret) }
      }
      return open
    } catch {
      throw error.inside("settings")
    }
  }
}
