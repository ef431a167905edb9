import Basics
import Engine
import IntegrationKit
import JSON

/// The params of `invoke`, decoded as an invocation request.
enum InvokeParams {
  static let memberNames = ["integration", "command", "connection", "arguments", "options"]
  private static let names = JSONNames(memberNames)

  /// - Throws: all problems in the params, in one error.
  static func request(
    _ params: JSON?, _ engine: Engine, _ memo: OptionsMemo, arrival: MonotonicTime
  ) throws(InvocationError) -> InvocationRequest {
    guard let params, params.kind == .object else {
      throw InvocationError(
        RequestProblems("", "params must be an object with integration and command"))
    }
    let members = params.select(names)
    let integration: RegisteredIntegration
    let command: RegisteredCommand
    do throws(RequestProblems) {
      // First without the values, for speed. They are needed for an error.
      if let known = engine.catalogue.integration(0, of: members) {
        integration = known
      } else {
        integration = try Lookup.integration(members[0], in: engine.catalogue)
      }
      if let known = integration.command(1, of: members) {
        command = known
      } else {
        command = try Lookup.command(members[1], of: integration)
      }
    } catch {
      if let obstacle = engine.catalogue.obstacle(to: members[0]) {
        throw InvocationError(obstacle, indicator: "The invocation failed.")
      }
      // Without a command, only the options can be validated.
      throw InvocationError(
        error + unknown(in: params) + optionProblems(members.valueIfNotNull(4), of: nil))
    }
    let arguments = members.valueIfNotNull(3)
    let options = members.valueIfNotNull(4)
    guard members.unknownCount == 0 else {
      throw InvocationError(
        unknown(in: params) + optionProblems(options, of: command)
          + Engine.argumentProblems(arguments, of: command),
        indicator: command.failure)
    }
    let connection: ConnectionReference =
      if let connection = members.valueIfNotNull(2) { .json(connection) } else { .onlyOne }
    return InvocationRequest(
      integration, command, on: connection, arguments: arguments,
      options: try self.options(options, of: command, arguments: arguments, memo),
      arrival: arrival, origin: .invoke)
  }

  /// The command of an invoke that is not run; nil if it is unknown.
  static func command(_ params: JSON?, in catalogue: Catalogue) -> RegisteredCommand? {
    guard let members = params?.select(names) else { return nil }
    guard let integration = try? Lookup.integration(members[0], in: catalogue) else { return nil }
    return try? Lookup.command(members[1], of: integration)
  }

  /// The metadata of the error of an invoke that is not run.
  static func meta(_ params: JSON?, since arrival: MonotonicTime) -> OutcomeMeta {
    OutcomeMeta(refusing: traceparent(params), since: arrival)
  }

  /// Of params that need not be a request.
  static func traceparent(_ params: JSON?) -> String? {
    params?["options"]?["traceparent"]?.string
  }

  /// How long a call may wait before its params can be checked; nil without a valid timeout.
  static func timeoutMilliseconds(_ params: JSON?) -> Int? {
    params?["options"]?["timeout_ms"]?.integer.flatMap {
      (1...86_400_000).contains($0) ? Int($0) : nil
    }
  }

  private static func options(
    _ json: JSON?, of command: RegisteredCommand, arguments: JSON?, _ memo: OptionsMemo
  ) throws(InvocationError) -> InvocationOptions {
    guard let json else { return .none }
    do throws(ParameterProblems) {
      let options = try memo.options(json)
      guard options.fieldMapping != nil || (options.allPages && !command.hasPages),
        let problems = InvocationOptions.faults(in: json, for: command)
      else { return options }
      throw problems
    } catch {
      throw InvocationError(
        optionProblems(json, of: command) + Engine.argumentProblems(arguments, of: command),
        indicator: command.failure)
    }
  }

  /// - Parameter command: nil if it is unknown.
  private static func optionProblems(
    _ options: JSON?, of command: RegisteredCommand?
  ) -> RequestProblems {
    options.map { RequestProblems(ofOptions: $0, for: command) } ?? RequestProblems()
  }

  /// Maximum length of the unknown name in a message.
  private static let maximumNameCharacters = 100

  private static func unknown(in params: JSON) -> RequestProblems {
    unknown(in: params, names: memberNames)
  }

  /// The unknown members of the params of a method that runs a command.
  static func unknown(in params: JSON, names: [String]) -> RequestProblems {
    var problems = RequestProblems()
    for member in params.members {
      guard !problems.isFull else { break }
      guard let name = member.name.string, !names.contains(name) else { continue }
      problems.add(
        "/\(name.prefix(maximumNameCharacters))",
        "unknown member; expected one of: \(names.joined(separator: ", "))",
        didYouMean: Suggestion.closest(to: name, among: names))
    }
    return problems
  }

  static var schema: MessageSchema { .closed(members(needsIntegration: true)) }

  static func members(needsIntegration: Bool) -> [MessageSchema.Member] {
    [
      needsIntegration
        ? .always("integration", .text, "The id of the integration.")
        : .sometimes(
          "integration", .text,
          "The id of the integration. Default: that of the connection, or the only one with the command."
        ),
      .always("command", .text, "The id of the command."),
      .sometimes(
        "connection", .oneOf([.text, .reference("connection")]),
        "The name of a connection, or an inline connection for this call. "
          + "Default: the only active connection of the integration."),
      .sometimes(
        "arguments", .map(.any), "The arguments, as described by parameters in capabilities."),
      .sometimes("options", .reference("options"), "The options of the invocation."),
    ]
  }
}

/// Looks up integrations and commands by id.
enum Lookup {
  static func integration(
    _ id: JSON?, in catalogue: Catalogue
  ) throws(RequestProblems) -> RegisteredIntegration {
    guard let id else { throw RequestProblems("/integration", "is required") }
    if let found = catalogue.integration(id) { return found }
    let ids = catalogue.integrations.map(\.id)
    throw RequestProblems(
      "/integration", "unknown integration; expected one of: \(ids.joined(separator: ", "))",
      didYouMean: id.string.flatMap { Suggestion.closest(to: $0, among: ids) })
  }

  static func command(
    _ id: JSON?, of integration: RegisteredIntegration
  ) throws(RequestProblems) -> RegisteredCommand {
    guard let id else { throw RequestProblems("/command", "is required") }
    if let found = integration.command(id) { return found }
    throw RequestProblems(
      "/command", "unknown command of \(integration.id)",
      didYouMean: id.string.flatMap {
        Suggestion.closest(to: $0, among: integration.commands.map(\.id))
      },
      remedy: "Call capabilities with this integration to list its commands.")
  }
}
