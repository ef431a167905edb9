import Basics
import IntegrationKit
import JSON

extension ConnectionStore {
  /// Maximum number of names in a message.
  private static let maximumNames = 20
  /// Maximum number of names that are compared for a suggestion.
  private static let maximumSuggestions = 1_000

  /// The connection of an invocation.
  func find(
    _ reference: ConnectionReference, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    switch reference {
    case .onlyOne: return try onlyOne(of: integration)
    case .json(let json) where json.kind == .object: return try inline(json, for: integration)
    case .json(let json):
      if let found = state.withLock({ $0.table.lastFound(named: json) }) {
        return try usable(found, for: integration)
      }
      guard let name = json.string else {
        throw .parameter("/connection", "must be the name of a connection or an object", nil)
      }
      return try usable(named: name, for: integration)
    case .named(let name): return try usable(named: name, for: integration)
    }
  }

  private func usable(
    named name: String, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    guard let found = state.withLock({ $0.table.find(name) }) else {
      let names = entries.map(\.name)
      throw .parameter(
        "/connection",
        names.isEmpty
          ? "unknown connection; no connections are configured"
          : "unknown connection; expected one of: \(Self.list(names))",
        Suggestion.closest(to: name, among: Array(names.prefix(Self.maximumSuggestions))))
    }
    return try usable(found, for: integration)
  }

  private func usable(
    _ open: OpenConnection, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    // Member by member: a copy of the whole definition is slow.
    guard open.connection.definition.integration == integration.id else {
      throw .parameter(
        "/connection",
        "belongs to \(open.connection.definition.integration), not to \(integration.id)", nil)
    }
    guard open.connection.definition.isActive else {
      throw .command(
        CommandError(
          .policy,
          open.connection.name.map { "The connection \($0) is inactive." }
            ?? "The inline connection is inactive.",
          remedy: "Set \"active\": true in the connection, or use another one."))
    }
    return open
  }

  private func onlyOne(
    of integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    if let only = state.withLock({ $0.table.onlyActive(of: integration.id) }) { return only.open }
    let fitting = entries.filter {
      let definition = $0.open.connection.definition
      return definition.integration == integration.id && definition.isActive
    }
    guard fitting.isEmpty else {
      throw .parameter(
        "/connection", "is required; expected one of: \(Self.list(fitting.map(\.name)))", nil)
    }
    throw .parameter(
      "/connection",
      """
      is required; no active connection of \(integration.id) is configured (use \
      --connections FILE, SALLYPORT_CONNECTIONS or --sandbox)
      """, nil)
  }

  private static func list(_ names: [String]) -> String {
    let more = names.count - maximumNames
    let shown = names.prefix(maximumNames).joined(separator: ", ")
    return more > 0 ? "\(shown), and \(more) more" : shown
  }

  private func inline(
    _ json: JSON, for integration: RegisteredIntegration
  ) throws(ConnectionProblem) -> OpenConnection {
    let text = JSONFragment(json)
    let known = state.withLock { state in state.inline.first { $0.text == text }?.open }
    if let known { return try usable(known, for: integration) }
    let open: OpenConnection
    let cost = cost(of: json)
    do throws(ParameterProblems) {
      try refuse(cost, beyond: Self.maximumInlineBytes) { _ in 0 }
      open = try maker.callerConnection(json, name: nil)
    } catch {
      throw .problems(error)
    }
    state.withLock { state in
      var used = state.inline.reduce(cost) { $0 + $1.cost }
      while state.inline.count >= Self.inlineConnections || used > Self.maximumInlineBytes {
        used -= state.inline.removeFirst().cost
      }
      state.inline.append((text, open, cost))
    }
    return try usable(open, for: integration)
  }
}

/// Why a connection cannot be used for an invoke.
enum ConnectionProblem: Error {
  case parameter(_ path: String, _ message: String, _ didYouMean: String?)
  case problems(ParameterProblems)
  case command(CommandError)
}
