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
  package var origin: InvocationOrigin
  /// The key of its line in a request file; nil if lines have none.
  package var lineKey: String?

  /// Inlinable, because a call copies all members.
  @inlinable
  package init(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    on connection: ConnectionReference, arguments: JSON?, options: InvocationOptions,
    arrival: MonotonicTime = .now, origin: InvocationOrigin = .host
  ) {
    self.integration = integration
    self.command = command
    self.connection = connection
    self.arguments = arguments
    self.options = options
    self.arrival = arrival
    self.origin = origin
  }
}

/// Where an invocation comes from.
package enum InvocationOrigin: Sendable {
  /// The host itself, such as a health check, or its command line.
  case host
  case invoke
  case toolCall

  /// The method of its request; nil if there is none.
  var method: String? {
    switch self {
    case .host: nil
    case .invoke: "invoke"
    case .toolCall: "tools/call"
    }
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
