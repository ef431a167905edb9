import Basics
import IntegrationKit

/// A method of the host, as it is told to those who ask which there are.
struct MethodDescription: Sendable {
  let name: String
  let summary: String
  let params: MessageSchema
  /// What it can fail with, beside what can happen to any line.
  let failures: [FailureSchemas.Code]
  /// The component that describes the result.
  let result: String
  let examples: [MethodExample]

  init(
    _ name: String, _ summary: String, _ params: MessageSchema,
    failures: [FailureSchemas.Code] = [FailureSchemas.invalidParams], result: String? = nil,
    _ examples: MethodExample...
  ) {
    self.name = name
    self.summary = summary
    self.params = params
    self.failures = failures
    self.result = result ?? name.componentName + "_result"
    self.examples = examples
  }

  static let names = all.map(\.name)

  static var all: [MethodDescription] { catalogue + connections + files + host }

  private static var catalogue: [MethodDescription] {
    [
      MethodDescription(
        "capabilities", "Describes the integrations, their commands and all parameters.",
        .parameters(Methods.CapabilitiesParameters.shape), .capabilities),
      MethodDescription(
        "invoke", "Runs one command.", invokeParams,
        failures: [
          FailureSchemas.invalidParams, FailureSchemas.commandFailed, FailureSchemas.cancelled,
        ],
        .invoke, .dryRun),
      MethodDescription(
        "cancel", "Ends a request that is under way.",
        .parameters(Methods.CancelParameters.shape), .cancel),
    ]
  }

  /// An invoke reads its params itself, since it is the method that has to be fast.
  private static var invokeParams: MessageSchema {
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

  private static var connections: [MethodDescription] {
    [
      MethodDescription(
        "connections/put", "Adds a connection, or replaces one, for as long as the host runs.",
        .parameters(Methods.PutParameters.shape), .connectionsPut),
      MethodDescription(
        "connections/list", "Shows the connections.", .closed([]), .connectionsList),
      MethodDescription(
        "connections/remove", "Removes a connection, for as long as the host runs.",
        .parameters(Methods.RemoveParameters.shape), .connectionsRemove),
      MethodDescription(
        "health/watch", "Checks a connection now and on a schedule.",
        .parameters(Methods.WatchParameters.shape), .healthWatch),
      MethodDescription("health/status", "Shows what is watched.", .closed([]), .healthStatus),
      MethodDescription(
        "health/unwatch", "Ends the checks of a connection.",
        .parameters(Methods.UnwatchParameters.shape), .healthUnwatch),
    ]
  }

  private static var files: [MethodDescription] {
    FileMethod.allCases.map { method in
      let shape = FileCall.shape(of: method)
      let summary =
        switch method {
        case .put: "Stores a content, or a copy of a file of the host's machine."
        case .get: "Reads a chunk of a file."
        case .list: "Lists the files, the newest last."
        case .remove: "Removes a file."
        }
      return MethodDescription(
        method.rawValue, summary, .parameters(shape),
        failures: [
          FailureSchemas.invalidParams, FailureSchemas.commandFailed, FailureSchemas.cancelled,
        ],
        .of(method))
    }
  }

  private static var host: [MethodDescription] {
    [
      MethodDescription("limits", "Shows the limits, and how near they are.", .closed([]), .limits),
      MethodDescription("stats", "Shows what was counted since the start.", .closed([]), .stats),
      MethodDescription("ping", "Answers.", .closed([]), result: "nothing", .ping),
      MethodDescription("rpc.discover", "Answers this document.", .closed([])),
      MethodDescription(
        "shutdown", "Finishes what is under way, and ends.", .closed([]), result: "nothing",
        .shutdown),
    ]
  }
}

extension MethodDescription {
  var paramsComponent: String { name.componentName + "_params" }

  /// The params, one by one.
  var members: [MessageSchema.Member] {
    switch params {
    case .closed(let members): members
    case .parameters(let shape):
      shape.summaries.map { summary in
        let path = "\(paramsComponent)/properties/\(summary.name)"
        return MessageSchema.Member(
          name: summary.name, schema: .reference(path), about: summary.description,
          isRequired: summary.isRequired)
      }
    default: preconditionFailure("params of \(name) that have no names")
    }
  }

  /// The schemas of the params, and of what they are made of.
  static var components: [SchemaComponent] {
    all.map { method in
      SchemaComponent(method.paramsComponent, "The params of \(method.name).", method.params)
    } + [
      SchemaComponent(
        "connection", "How to reach a vendor.", .parameters(ConnectionDefinition.shape)),
      SchemaComponent(
        "options", "How a command is to be run.", .parameters(InvocationOptions.shape)),
      SchemaComponent(
        "connections_file", "What --connections names.",
        .closed([.always("connections", .map(.reference("connection")), "By name.")])),
    ]
  }
}
