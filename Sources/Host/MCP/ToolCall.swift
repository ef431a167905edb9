import Basics
import IntegrationKit
import JSON
import RPC

/// The params of `tools/call`, read as far as the protocol goes.
struct ToolCall: Sendable {
  private static let names = JSONNames(
    "name", "arguments", "inputResponses", "requestState", "_meta")
  /// Where the options of an invoke stand in `_meta`: they are for programs, not for models.
  private static let optionsName = "sallyport/options"
  private static let optionNames = ["all_pages", "timeout_ms", "idempotency_key", "field_mapping"]

  let name: String
  let arguments: JSON?
  /// What the user of a stateless client answered to a question (2026-07-28).
  let inputResponses: JSON?
  let requestState: String?
  private let options: JSON?

  /// - Throws: -32602 for what is no call of a tool.
  init(_ params: JSON?) throws(RPCError) {
    guard let params, params.kind == .object else {
      throw MCPFault.invalid("params must be an object with the name of a tool.")
    }
    let members = params.select(Self.names)
    guard let name = members[0]?.string else {
      throw MCPFault.invalid("params.name must be the name of a tool.")
    }
    if let arguments = members[1], arguments.kind != .object {
      throw MCPFault.invalid("params.arguments must be an object.")
    }
    if let responses = members[2], responses.kind != .object {
      throw MCPFault.invalid("params.inputResponses must be an object.")
    }
    if let state = members[3], state.kind != .string {
      throw MCPFault.invalid("params.requestState must be a string.")
    }
    options = members[4]?[Self.optionsName]
    if let options, options.kind != .object {
      throw MCPFault.invalid("params._meta.\(Self.optionsName) must be an object.")
    }
    self.name = name
    arguments = members[1]
    inputResponses = members[2]
    requestState = members[3]?.string
  }

  /// A call of another tool, with the same answers to questions.
  init(name: String, arguments: JSON?, like call: ToolCall) {
    self.name = name
    self.arguments = arguments
    inputResponses = call.inputResponses
    requestState = call.requestState
    options = call.options
  }

  /// The same call as the params of an invoke. `connection` is a member beside the arguments there;
  /// a model names one, and cannot bring its own.
  ///
  /// - Throws: an argument fault, as invoke has it.
  func invokeParams(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand, timeoutSeconds: Int?,
    tellsProgress: Bool
  ) throws(RPCError) -> JSON {
    let connection = arguments?["connection"].flatMap { $0.isNull ? nil : $0 }
    if let connection, connection.kind != .string {
      throw ParameterFaults("/arguments/connection", "must be the name of a connection")
        .error(indicator: command.failure)
    }
    for member in options.map({ Array($0.members) }) ?? [] {
      let name = member.name.string ?? ""
      guard Self.optionNames.contains(name) else {
        throw ParameterFaults(
          "/_meta/sallyport~1options/\(name.prefix(100))",
          "is no option of a tool; there is \(Self.optionNames.joined(separator: ", "))",
          didYouMean: Suggestion.closest(to: name, among: Self.optionNames)
        ).error(indicator: command.failure)
      }
    }
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", integration.id)
        writer.member("command", command.id)
        if let connection { writer.member("connection", connection) }
        writer.name("arguments")
        writer.object { writer in
          guard let arguments else { return }
          for member in arguments.members where !member.name.equals("connection") {
            writer.name(copying: member.name)
            writer.value(member.value)
          }
        }
        writer.name("options")
        writer.object {
          if tellsProgress { $0.member("progress", true) }
          // Of two members of one name the last counts.
          if let timeoutSeconds { $0.member("timeout_ms", timeoutSeconds * 1_000) }
          for option in options.map({ Array($0.members) }) ?? [] {
            $0.name(copying: option.name)
            $0.value(option.value)
          }
        }
      }
    }.json
  }
}
