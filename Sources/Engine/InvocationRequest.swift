import IntegrationKit
import JSON

/// What to run, on which connection, and how: the value that every front makes of its protocol.
package struct InvocationRequest: Sendable {
  package var integration: RegisteredIntegration
  package var command: RegisteredCommand
  package var connection: ConnectionReference
  /// An object; nil if the caller gave none.
  package var arguments: JSON?
  package var options: InvocationOptions

  package init(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    on connection: ConnectionReference, arguments: JSON?, options: InvocationOptions
  ) {
    self.integration = integration
    self.command = command
    self.connection = connection
    self.arguments = arguments
    self.options = options
  }
}

/// Names a connection.
package enum ConnectionReference: Sendable {
  /// The only active one of the integration.
  case onlyOne
  case named(String)
  /// A name, or an inline connection for this call.
  case json(JSON)
}
