import Basics
import IntegrationKit
import JSON
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
      throw ParameterFaults("", "params must be an object with integration and command").error()
    }
    let members = params.select(Self.names)
    do throws(ParameterFaults) {
      integration = try Lookup.integration(members[0], in: context.catalogue)
      command = try Lookup.command(members[1], of: integration)
    } catch {
      // Without a command there are no arguments to check, but the options can be.
      let others = Self.adding(
        Self.optionFaults(members.valueIfNotNull(4), of: nil), to: Self.unknown(in: params))
      throw Self.adding(others, to: error).error()
    }
    arguments = members.valueIfNotNull(3)
    do throws(InvokeFault) {
      guard members.unknownCount == 0 else { throw .members(Self.unknown(in: params)) }
      options = try Self.options(members.valueIfNotNull(4), of: command, in: context)
      connection = try Self.find(members.valueIfNotNull(2), integration, in: context)
      try Self.checkPolicy(command, connection, in: context)
      ready = try Self.ready(command, arguments, on: connection)
    } catch {
      throw Self.answer(
        error, command, arguments: members.valueIfNotNull(3), options: members.valueIfNotNull(4))
    }
  }

  // MARK: Parts

  /// Why an invoke is not run.
  private enum InvokeFault: Error {
    case members(ParameterFaults)
    case options(ParameterFaults)
    case connection(ParameterFaults)
    case arguments(ParameterFaults)
    case command(CommandError)
  }

  private static func options(
    _ json: JSON?, of command: RegisteredCommand, in context: HostContext
  ) throws(InvokeFault) -> InvocationOptions {
    guard let json else { return .none }
    do throws(ParameterProblems) {
      let options = try context.optionsMemo.options(json)
      guard options.fieldMapping != nil,
        let problems = InvocationOptions.faults(in: json, for: command.about)
      else { return options }
      throw problems
    } catch {
      throw .options(optionFaults(json, of: command))
    }
  }

  private static func find(
    _ json: JSON?, _ integration: RegisteredIntegration, in context: HostContext
  ) throws(InvokeFault) -> OpenConnection {
    do throws(ConnectionFault) {
      return try context.connections.find(json, for: integration)
    } catch {
      switch error {
      case .parameter(let path, let message, let suggestion):
        throw .connection(ParameterFaults(path, message, didYouMean: suggestion))
      case .problems(let problems):
        throw .connection(ParameterFaults(problems, prefix: "/connection"))
      case .command(let error):
        throw .command(error)
      }
    }
  }

  private static func checkPolicy(
    _ command: RegisteredCommand, _ connection: OpenConnection, in context: HostContext
  ) throws(InvokeFault) {
    if context.options.isReadOnly && command.effect != .read {
      throw .command(
        CommandError(
          .policy, "\(command.id) may not run: the host was started with --read-only.",
          remedy: "Use a host that was started without --read-only."))
    }
    guard let refusal = connection.refusal(of: command) else { return }
    throw .command(
      CommandError(
        .policy, "\(command.id) may not run: \(refusal).",
        remedy: "Use a connection whose policy allows it."))
  }

  private static func ready(
    _ command: RegisteredCommand, _ arguments: JSON?, on connection: OpenConnection
  ) throws(InvokeFault) -> any ReadyCommand {
    do throws(ParameterProblems) {
      return try command.ready(arguments, on: connection)
    } catch {
      throw .arguments(ParameterFaults(error, prefix: "/arguments"))
    }
  }

  // MARK: Faults

  /// The error for the first fault, with those of the other parts added to it.
  private static func answer(
    _ fault: InvokeFault, _ command: RegisteredCommand, arguments: JSON?, options: JSON?
  ) -> RPCError {
    let faults: ParameterFaults
    switch fault {
    case .command(let error): return Failure.command(error, indicator: command.failure)
    case .arguments(let argumentFaults): faults = argumentFaults
    case .members(let memberFaults):
      faults = adding(
        argumentFaults(arguments, of: command),
        to: adding(optionFaults(options, of: command), to: memberFaults))
    case .options(let optionFaults):
      faults = adding(argumentFaults(arguments, of: command), to: optionFaults)
    case .connection(let connectionFaults):
      faults = adding(argumentFaults(arguments, of: command), to: connectionFaults)
    }
    return faults.error(indicator: command.failure)
  }

  private static func adding(
    _ others: ParameterFaults, to faults: ParameterFaults
  ) -> ParameterFaults {
    var all = faults
    all.add(others)
    return all
  }

  private static func argumentFaults(
    _ arguments: JSON?, of command: RegisteredCommand
  ) -> ParameterFaults {
    do throws(ParameterProblems) {
      try command.check(arguments)
      return ParameterFaults()
    } catch {
      return ParameterFaults(error, prefix: "/arguments")
    }
  }

  /// - Parameter command: nil where it is not known which one.
  private static func optionFaults(
    _ options: JSON?, of command: RegisteredCommand?
  ) -> ParameterFaults {
    var faults = ParameterFaults()
    guard let options else { return faults }
    do throws(ParameterProblems) {
      _ = try InvocationOptions.shape.decode(options) { InvocationOptions(&$0) }
    } catch {
      faults.add(error, prefix: "/options")
    }
    if let command, let problems = InvocationOptions.faults(in: options, for: command.about) {
      faults.add(problems, prefix: "/options")
    }
    return faults
  }

  private static func unknown(in params: JSON) -> ParameterFaults {
    var faults = ParameterFaults()
    for member in params.members {
      guard !faults.isFull else { break }
      guard let name = member.name.string, !names.texts.contains(name) else { continue }
      faults.add(
        "/\(name)", "is unknown; invoke takes \(names.texts.joined(separator: ", "))",
        didYouMean: Suggestion.closest(to: name, among: names.texts))
    }
    return faults
  }
}

/// Finds integrations and commands by the ids that callers give.
enum Lookup {
  static func integration(
    _ id: JSON?, in catalogue: Catalogue
  ) throws(ParameterFaults) -> RegisteredIntegration {
    guard let id else { throw ParameterFaults("/integration", "is required") }
    if let found = catalogue.integration(id) { return found }
    let ids = catalogue.integrations.map(\.id)
    throw ParameterFaults(
      "/integration", "is unknown; there is \(ids.joined(separator: ", "))",
      didYouMean: id.string.flatMap { Suggestion.closest(to: $0, among: ids) })
  }

  static func command(
    _ id: JSON?, of integration: RegisteredIntegration
  ) throws(ParameterFaults) -> RegisteredCommand {
    guard let id else { throw ParameterFaults("/command", "is required") }
    if let found = integration.command(id) { return found }
    throw ParameterFaults(
      "/command", "is unknown to \(integration.id)",
      didYouMean: id.string.flatMap {
        Suggestion.closest(to: $0, among: integration.commands.map(\.id))
      },
      remedy: "Ask capabilities with this integration for its commands.")
  }
}
