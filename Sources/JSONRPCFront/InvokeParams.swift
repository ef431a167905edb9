import Basics
import Engine
import IntegrationKit
import JSON

/// The params of `invoke`, read as an invocation request.
struct InvokeParams {
  private static let names = JSONNames(
    "integration", "command", "connection", "arguments", "options")

  private let request: InvocationRequest

  /// - Throws: everything that is wrong with the params, as one error.
  init(
    _ params: JSON?, _ engine: Engine, _ memo: OptionsMemo
  ) throws(InvocationError) {
    guard let params, params.kind == .object else {
      throw InvocationError(
        ParameterFaults("", "params must be an object with integration and command"))
    }
    let members = params.select(Self.names)
    let integration: RegisteredIntegration
    let command: RegisteredCommand
    do throws(ParameterFaults) {
      integration = try Lookup.integration(members[0], in: engine.catalogue)
      command = try Lookup.command(members[1], of: integration)
    } catch {
      // Without a command there are no arguments to check, but the options can be.
      throw InvocationError(
        error + Self.unknown(in: params) + Self.optionFaults(members.valueIfNotNull(4), of: nil))
    }
    let arguments = members.valueIfNotNull(3)
    let options = members.valueIfNotNull(4)
    guard members.unknownCount == 0 else {
      throw InvocationError(
        Self.unknown(in: params) + Self.optionFaults(options, of: command)
          + Engine.argumentFaults(arguments, of: command),
        indicator: command.failure)
    }
    request = InvocationRequest(
      integration, command,
      on: members.valueIfNotNull(2).map { .json($0) } ?? .onlyOne, arguments: arguments,
      options: try Self.options(options, of: command, arguments: arguments, memo))
  }

  func prepare(by engine: Engine) throws(InvocationError) -> PreparedInvocation {
    try engine.prepare(request)
  }

  private static func options(
    _ json: JSON?, of command: RegisteredCommand, arguments: JSON?, _ memo: OptionsMemo
  ) throws(InvocationError) -> InvocationOptions {
    guard let json else { return .none }
    do throws(ParameterProblems) {
      let options = try memo.options(json)
      guard options.fieldMapping != nil,
        let problems = InvocationOptions.faults(in: json, for: command.metadata)
      else { return options }
      throw problems
    } catch {
      throw InvocationError(
        optionFaults(json, of: command) + Engine.argumentFaults(arguments, of: command),
        indicator: command.failure)
    }
  }

  /// - Parameter command: nil if it is not known.
  private static func optionFaults(
    _ options: JSON?, of command: RegisteredCommand?
  ) -> ParameterFaults {
    options.map { ParameterFaults(ofOptions: $0, for: command) } ?? ParameterFaults()
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

  static var schema: MessageSchema {
    .closed([
      .always("integration", .text, "The id of the integration."),
      .always("command", .text, "The id of the command."),
      .sometimes(
        "connection", .oneOf([.text, .reference("connection")]),
        "The name of a connection, or one that is for this call. "
          + "May be left out where exactly one active one fits."),
      .sometimes("arguments", .map(.any), "As the command's parameters in capabilities say."),
      .sometimes("options", .reference("options"), "How it is to be run."),
    ])
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
