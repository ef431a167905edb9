import Basics
import IntegrationKit

/// The consent of a user to one connection, for `auth`: what its client knows of it, for callers
/// that are no tasks.
package struct ConsentExchange: Sendable {
  package let connectionName: String
  private let connection: Connection
  private let client: any ConsentingClient

  /// - Parameter name: nil for the only one of the integration that needs a consent.
  /// - Throws: when there is no such connection, or it could not keep what the consent brings.
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
      throw ConfigurationError("\(integration.id) signs in without anybody's consent")
    }
    if let reason = client.reasonAgainstConsent {
      throw ConfigurationError("the connection \(entry.name) needs no consent: \(reason)")
    }
    if let obstacle = entry.open.connection.obstacle(toKeeping: client.consentSetting) {
      throw ConfigurationError(
        "the connection \(entry.name) cannot keep its \(client.consentSetting): \(obstacle)",
        remedy: "Give a connections file that can be written, with the setting in it as text, as "
          + "{\"$file\":…} or not at all.")
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
      "there is no connection \(name) of \(integration.id)"
        + (suggestion.map { "; did you mean \($0)?" } ?? ""),
      remedy: names.isEmpty
        ? "--connections FILE names the file that it is in."
        : "There is \(names.joined(separator: ", ")).")
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
          "\(entry.name) needs none: \($0)."
        }
      }
      throw ConfigurationError(
        "there is no connection of \(integration.id) that needs a consent",
        remedy: entries.isEmpty
          ? "--connections FILE names the file that it is in."
          : reasons.isEmpty ? "It signs in without one." : reasons.joined(separator: " "))
    }
    guard fitting.count == 1 else {
      throw ConfigurationError(
        "--connection is needed: there is \(fitting.map(\.name).joined(separator: ", "))")
    }
    return only
  }

  package var callbackURL: String? { client.callbackURL }

  package func page(for request: ConsentRequest) -> String { client.consentPage(for: request) }

  /// Exchanges what the page answered, and waits for it. Blocks.
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
