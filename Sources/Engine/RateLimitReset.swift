import Basics
import IntegrationKit
import RateLimits

extension Engine {
  /// Milliseconds that a vendor's key may take to be read, and shared files to be locked.
  private static let resetMilliseconds = 5_000

  /// Ends the pauses that a vendor's refusals imposed on a connection.
  ///
  /// - Parameter name: of a connection.
  /// - Returns: how many rate limits were paused; nil for an unknown connection.
  package func endRatePauses(of name: String) async -> Int? {
    guard let open = connections.entries.first(where: { $0.name == name })?.open,
      let integration = catalogue.integration(open.connection.definition.integration)
    else { return nil }
    let deadline = Deadline(inMilliseconds: Self.resetMilliseconds)
    // Limits that belong to an API key are found by the key, which may not be read yet. Without it,
    // the limits that this process knows are left.
    let invocation = Invocation(
      CommandMetadata("Reset Limits", "Reads the key."), id: "limits_reset", on: open.connection,
      options: .none, deadline: deadline, events: nil)
    try? await open.client.prepare(in: invocation)
    let commands = integration.commands.map { (command: $0.id, quota: $0.metadata.rateLimit) }
    return await open.connection.limiter.endPauses(
      of: commands + [(command: "sign_in", quota: nil)], by: deadline)
  }
}
