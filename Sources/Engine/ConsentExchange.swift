import Basics
import IntegrationKit

/// The user consent for one connection, for `auth`. The functions are synchronous.
package struct ConsentExchange: Sendable {
  package let connectionName: String
  private let connection: Connection
  private let client: any ConsentingClient

  /// - Parameter name: nil for the only connection of the integration that requires consent.
  /// - Throws: if there is no matching connection, or its refresh token cannot be saved.
  package init(
    _ engine: Engine, _ integration: RegisteredIntegration, connection name: String?
  ) throws(ConfigurationError) {
    let own = engine.connections.entries.filter {
      $0.open.connection.definition.integration == integration.id
    }
    let entry =
      if let name { try Self.entry(named: name, among: own, integration) } else {
        try Self.onlyEntry(among: own, integration)
      }
    guard let client = entry.open.client as? any ConsentingClient else {
      throw ConfigurationError("\(integration.id) does not use user consent")
    }
    if let reason = client.reasonAgainstConsent {
      throw ConfigurationError("the connection \(entry.name) requires no consent: \(reason)")
    }
    if let obstacle = entry.open.connection.obstacle(toKeeping: client.consentSetting) {
      throw ConfigurationError(
        "cannot save the \(client.consentSetting) of the connection \(entry.name): \(obstacle)",
        remedy: "Use a writable connections file. Set the setting to a string or {\"$file\":…}, or "
          + "omit it.")
    }
    connectionName = entry.name
    connection = entry.open.connection
    self.client = client
  }

  private static func entry(
    named name: String, among entries: [ConnectionStore.Entry],
    _ integration: RegisteredIntegration
  ) throws(ConfigurationError) -> ConnectionStore.Entry {
    if let found = entries.first(where: { $0.name == name }) { return found }
    let names = entries.map(\.name)
    let suggestion = Suggestion.closest(to: name, among: names)
    throw ConfigurationError(
      "unknown connection \"\(name)\" of \(integration.id)"
        + (suggestion.map { "; did you mean \"\($0)\"?" } ?? ""),
      remedy: names.isEmpty
        ? "Use --connections FILE."
        : "Available connections: \(names.joined(separator: ", ")).")
  }

  private static func onlyEntry(
    among entries: [ConnectionStore.Entry], _ integration: RegisteredIntegration
  ) throws(ConfigurationError) -> ConnectionStore.Entry {
    let fitting = entries.filter { entry in
      (entry.open.client as? any ConsentingClient).map { $0.reasonAgainstConsent == nil } ?? false
    }
    guard let only = fitting.first else {
      let reasons = entries.compactMap { entry in
        (entry.open.client as? any ConsentingClient)?.reasonAgainstConsent.map {
          "\(entry.name) requires none: \($0)."
        }
      }
      throw ConfigurationError(
        "no connection of \(integration.id) requires consent",
        remedy: entries.isEmpty
          ? "Use --connections FILE."
          : reasons.isEmpty ? "It signs in without consent." : reasons.joined(separator: " "))
    }
    guard fitting.count == 1 else {
      throw ConfigurationError(
        "--connection is required; expected one of: "
          + fitting.map(\.name).joined(separator: ", "))
    }
    return only
  }

  package var callbackURL: String? { client.callbackURL }

  package func page(for request: ConsentRequest) -> String { client.consentPage(for: request) }

  /// Exchanges the code of the consent page. Blocks until the outcome is known.
  package func redeem(_ code: ConsentCode) -> Result<Consent, CommandError> {
    let finished = Monitor<Result<Consent, CommandError>?>(nil)
    Task.detached { [client, connection] in
      let result = await Self.result(of: code, client, connection)
      finished.withLock { $0 = result }
      finished.notify()
    }
    return finished.wait { $0 } ?? .failure(.cancelled(outcome: .unknown))
  }

  private static func result(
    of code: ConsentCode, _ client: any ConsentingClient, _ connection: Connection
  ) async -> Result<Consent, CommandError> {
    do throws(CommandError) {
      return .success(try await client.redeem(code, in: .signIn(on: connection)))
    } catch {
      return .failure(error)
    }
  }
}
