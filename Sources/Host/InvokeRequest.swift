import Basics
import Plugin
import RPC

/// The params of an invoke, found and checked: what is to be run, on what, and how.
struct InvokeRequest: Sendable {
  let integration: RegisteredIntegration
  let command: RegisteredCommand
  let connection: OpenConnection
  let ready: any ReadyCommand
  let arguments: JSON?
  let options: InvocationOptions

  private static let names = JSONNames(
    "integration", "command", "connection", "arguments", "options")

  /// - Throws: everything that is wrong with it, as the error to answer.
  init(_ params: JSON?, in context: HostContext) throws(RPCError) {
    guard let params, params.kind == .object else {
      throw Failure.parameter("", "params must be an object with integration and command")
    }
    let members = params.select(Self.names)
    if members.unknownCount > 0 { throw Self.unknown(in: params) }
    let integration = try Lookup.integration(members[0], in: context.catalogue)
    let command = try Lookup.command(members[1], of: integration)
    let options = try Self.options(members.valueIfNotNull(4), command, in: context)
    let connection = try Self.find(members.valueIfNotNull(2), integration, command, in: context)
    try Self.checkPolicy(command, connection, in: context)
    let arguments = members.valueIfNotNull(3)
    do throws(ParameterProblems) {
      ready = try command.ready(arguments, on: connection)
    } catch {
      throw Failure.arguments(error, prefix: "/arguments", indicator: command.failure)
    }
    self.integration = integration
    self.command = command
    self.connection = connection
    self.arguments = arguments
    self.options = options
  }

  private static func unknown(in params: JSON) -> RPCError {
    let unknown = params.members.first { !names.texts.contains($0.name.string ?? "") }
    let name = unknown?.name.string ?? ""
    return Failure.parameter(
      "/\(name)", "is unknown; invoke takes \(names.texts.joined(separator: ", "))",
      didYouMean: Suggestion.closest(to: name, among: names.texts))
  }

  private static func options(
    _ json: JSON?, _ command: RegisteredCommand, in context: HostContext
  ) throws(RPCError) -> InvocationOptions {
    guard let json else { return .none }
    do throws(ParameterProblems) {
      return try context.optionsMemo.options(json)
    } catch {
      throw Failure.arguments(error, prefix: "/options", indicator: command.failure)
    }
  }

  private static func find(
    _ json: JSON?, _ integration: RegisteredIntegration, _ command: RegisteredCommand,
    in context: HostContext
  ) throws(RPCError) -> OpenConnection {
    do throws(ConnectionFault) {
      return try context.connections.find(
        json, for: integration)
    } catch {
      switch error {
      case .parameter(let path, let message, let suggestion):
        throw Failure.parameter(path, message, didYouMean: suggestion, indicator: command.failure)
      case .problems(let problems):
        throw Failure.arguments(problems, prefix: "/connection", indicator: command.failure)
      case .command(let error):
        throw Failure.command(error, indicator: command.failure)
      }
    }
  }

  private static func checkPolicy(
    _ command: RegisteredCommand, _ connection: OpenConnection, in context: HostContext
  ) throws(RPCError) {
    let refusal =
      context.options.isReadOnly && command.effect != .read
      ? "the host was started with --read-only" : connection.refusal(of: command)
    guard let refusal else { return }
    throw Failure.command(
      CommandError(
        .policy, "\(command.id) may not run: \(refusal).",
        remedy: "Use a connection whose policy allows it."),
      indicator: command.failure)
  }
}

/// Finds integrations and commands by the ids that callers give.
enum Lookup {
  static func integration(
    _ id: JSON?, in catalogue: Catalogue
  ) throws(RPCError) -> RegisteredIntegration {
    guard let id else { throw Failure.parameter("/integration", "is required") }
    if let found = catalogue.integration(id) { return found }
    let ids = catalogue.integrations.map(\.id)
    throw Failure.parameter(
      "/integration", "is unknown; there is \(ids.joined(separator: ", "))",
      didYouMean: id.string.flatMap { Suggestion.closest(to: $0, among: ids) })
  }

  static func command(
    _ id: JSON?, of integration: RegisteredIntegration
  ) throws(RPCError) -> RegisteredCommand {
    guard let id else { throw Failure.parameter("/command", "is required") }
    if let found = integration.command(id) { return found }
    throw Failure.parameter(
      "/command", "is unknown to \(integration.id)",
      didYouMean: id.string.flatMap {
        Suggestion.closest(to: $0, among: integration.commands.map(\.id))
      },
      remedy: "Ask capabilities with this integration for its commands.")
  }
}
