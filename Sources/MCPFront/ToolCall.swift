import Basics
import Engine
import IntegrationKit
import JSON
import RPC

/// The params of `tools/call`, decoded as far as the protocol specifies them.
struct ToolCall: Sendable {
  private static let names = JSONNames(
    "name", "arguments", "inputResponses", "requestState", "_meta")
  /// The member of `_meta` for the options of an invoke. They are for programs, not for models.
  private static let optionsName = "sallyport/options"
  private static let optionNames = [
    "all_pages", "timeout_ms", "idempotency_key", "field_mapping", "label",
  ]

  let name: String
  let arguments: JSON?
  /// The answers of the user of a stateless client (2026-07-28).
  let inputResponses: JSON?
  let requestState: String?
  private let options: JSON?
  /// Of the caller's span (W3C Trace Context).
  let traceparent: String?
  let arrival: MonotonicTime

  /// - Throws: -32602 for an invalid call.
  init(_ params: JSON?, arrival: MonotonicTime) throws(RPCError) {
    guard let params, params.kind == .object else {
      throw MCPError.invalid("params must be an object with the name of a tool.")
    }
    let members = params.select(Self.names)
    guard let name = members[0]?.string else {
      throw MCPError.invalid("params.name must be the name of a tool.")
    }
    if let arguments = members[1], arguments.kind != .object {
      throw MCPError.invalid("params.arguments must be an object.")
    }
    if let responses = members[2], responses.kind != .object {
      throw MCPError.invalid("params.inputResponses must be an object.")
    }
    if let state = members[3], state.kind != .string {
      throw MCPError.invalid("params.requestState must be a string.")
    }
    options = members[4]?[Self.optionsName]
    if let options, options.kind != .object {
      throw MCPError.invalid("params._meta.\(Self.optionsName) must be an object.")
    }
    traceparent = members[4]?["traceparent"]?.string
    self.arrival = arrival
    self.name = name
    arguments = members[1]
    inputResponses = members[2]
    requestState = members[3]?.string
  }

  /// As the caller gave it.
  var label: String? { options?["label"]?.string }

  /// A call of another tool with the same answers.
  init(name: String, arguments: JSON?, like call: ToolCall) {
    self.name = name
    self.arguments = arguments
    inputResponses = call.inputResponses
    requestState = call.requestState
    options = call.options
    traceparent = call.traceparent
    arrival = call.arrival
  }

  /// The call as a request to the engine. `connection` is an argument of the tool. It must be a name:
  /// inline connections are not allowed for models.
  ///
  /// - Throws: the same problems as invoke.
  func invocationRequest(
    _ integration: RegisteredIntegration, _ command: RegisteredCommand, timeoutSeconds: Int?,
    reportsProgress: Bool
  ) throws(InvocationError) -> InvocationRequest {
    let connection = arguments?["connection"].flatMap { $0.isNull ? nil : $0 }
    if let connection, connection.kind != .string {
      throw InvocationError(
        RequestProblems("/arguments/connection", "must be the name of a connection"),
        indicator: command.failure)
    }
    let ownArguments = arguments?.removing("connection")
    var options = try invocationOptions(of: command, arguments: ownArguments)
    options.progress = reportsProgress
    options.traceparent = traceparent
    if let timeoutSeconds {
      let most = Int64(timeoutSeconds) * 1_000
      options.timeoutMilliseconds = min(options.timeoutMilliseconds ?? most, most)
    }
    return InvocationRequest(
      integration, command, on: connection.map { .json($0) } ?? .onlyOne,
      // Commands expect an object.
      arguments: ownArguments ?? Self.noArguments, options: options, arrival: arrival,
      origin: .toolCall)
  }

  private static let noArguments = JSONFragment { $0.object { _ in } }.json

  private func invocationOptions(
    of command: RegisteredCommand, arguments: JSON?
  ) throws(InvocationError) -> InvocationOptions {
    guard let options else { return .none }
    for member in options.members {
      let name = member.name.string ?? ""
      guard Self.optionNames.contains(name) else {
        throw InvocationError(
          RequestProblems(
            "/_meta/sallyport~1options/\(name.prefix(100))",
            "unknown option; expected one of: \(Self.optionNames.joined(separator: ", "))",
            didYouMean: Suggestion.closest(to: name, among: Self.optionNames)),
          indicator: command.failure)
      }
    }
    let problems = RequestProblems(ofOptions: options, for: command)
    guard problems.isEmpty else {
      throw InvocationError(
        problems + Engine.argumentProblems(arguments, of: command), indicator: command.failure)
    }
    var reader = ParamReader(decoding: InvocationOptions.shape, from: options)
    return InvocationOptions(&reader)
  }
}
