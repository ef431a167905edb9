import Basics
import IntegrationKit
import JSON

/// One invocation, independent of a protocol. Every front creates it from its own params.
package struct InvocationRequest: Sendable {
  package var integration: RegisteredIntegration
  package var command: RegisteredCommand
  package var connection: ConnectionReference
  /// An object; nil if omitted.
  package var arguments: JSON?
  package var options: InvocationOptions
  /// When its line was read.
  package var arrival: MonotonicTime
  /// The key of its line in a request file; nil if lines have none.
  package var lineKey: String?

  /// Inlinable, because a call copies all members.
  @inlinable
  package init(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    on connection: ConnectionReference, arguments: JSON?, options: InvocationOptions,
    arrival: MonotonicTime = .now
  ) {
    self.integration = integration
    self.command = command
    self.connection = connection
    self.arguments = arguments
    self.options = options
    self.arrival = arrival
  }
}

/// The connection of an invocation.
package enum ConnectionReference: Sendable {
  /// The only active connection of the integration.
  case onlyOne
  case named(String)
  /// A name or an inline connection.
  case json(JSON)

  /// Whether the caller brings the connection.
  var isInline: Bool {
    if case .json(let json) = self { json.kind == .object } else { false }
  }
}
