import Engine
import IntegrationKit
import JSON
import RPC

/// The methods, in the order of discovery.
extension Method {
  /// Methods of the Model Context Protocol, for suggestions. Another front handles them.
  static let agentNames = [
    "initialize", "server/discover", "tools/list", "tools/call", "resources/list",
    "resources/templates/list", "resources/read", "prompts/list", "prompts/get",
    "subscriptions/listen",
  ]

  private static let commandFailures: @Sendable () -> [FailureSchemas.Code] = {
    [FailureSchemas.invalidParams, FailureSchemas.commandFailed, FailureSchemas.cancelled]
  }

  static var catalogue: [Method] {
    [
      Method(
        "capabilities", "Returns the integrations, their commands and all parameters.",
        .readingThread(JSONRPCFront.capabilities),
        params: { .parameters(CapabilitiesParameters.shape) }, examples: [.capabilities]),
      Method(
        "invoke", "Runs one command.", .engine, changes: .vendor, params: { InvokeParams.schema },
        failures: commandFailures, examples: [.invoke, .dryRun]),
      Method(
        "cancel", "Cancels a request in flight.", .readingThread(JSONRPCFront.cancel),
        changes: .requests, params: { .parameters(CancelParameters.shape) },
        examples: [.cancel]),
    ]
  }

  static var events: [Method] {
    [
      Method(
        "events/follow", "Fetches events on a schedule until it is cancelled.", .follower,
        params: { FollowParams.schema },
        failures: { [FailureSchemas.invalidParams, FailureSchemas.commandFailed] },
        examples: [.eventsFollow]),
      Method(
        "events/ack", "Acknowledges events of events/follow.", .acknowledgement,
        params: { .parameters(AcknowledgeParams.shape) }, failures: commandFailures,
        examples: [.eventsAck]),
    ]
  }

  static var connections: [Method] {
    [
      Method(
        "connections/put", "Adds or replaces a connection until the host exits.",
        .audited(JSONRPCFront.putConnection), changes: .connections,
        params: { .parameters(PutConnectionParameters.shape) }, examples: [.connectionsPut]),
      .withoutParams(
        "connections/list", "Lists the connections.", examples: [.connectionsList]
      ) { front in { front.engine.connections.write(to: &$0) } },
      Method(
        "connections/remove", "Removes a connection until the host exits.",
        .audited(JSONRPCFront.removeConnection), changes: .connections,
        params: { .parameters(RemoveConnectionParameters.shape) },
        examples: [.connectionsRemove]),
      Method(
        "connections/reload", "Reads the connections file again.",
        .task(JSONRPCFront.reloadConnections), changes: .configuredConnections,
        redaction: .everySecret(ReloadReport.layout), params: { .closed([]) },
        failures: { [FailureSchemas.invalidParams, FailureSchemas.commandFailed] },
        examples: [.connectionsReload]),
      Method(
        "health/watch", "Checks a connection now and on a schedule.",
        .readingThread(JSONRPCFront.watchHealth), changes: .health,
        params: { .parameters(WatchHealthParameters.shape) },
        failures: { [FailureSchemas.invalidParams, FailureSchemas.commandFailed] },
        examples: [.healthWatch]),
      .withoutParams(
        "health/status", "Lists the watched connections.",
        redaction: .everySecret(.object(["watches": .list(of: HealthMonitor.layout)])),
        examples: [.healthStatus]
      ) { front in { front.engine.health.write(to: &$0) } },
      Method(
        "health/unwatch", "Stops the checks of a connection.",
        .readingThread(JSONRPCFront.unwatchHealth), changes: .health,
        params: { .parameters(UnwatchHealthParameters.shape) }, examples: [.healthUnwatch]),
    ]
  }

  static var files: [Method] {
    FileMethod.allCases.map { method in
      Method(
        method.rawValue, method.summary, .orderedFiles(method), changes: .files,
        params: { .parameters(method.shape) }, failures: commandFailures,
        examples: [.of(method)])
    }
  }

  static var host: [Method] {
    [
      .withoutParams(
        "limits", "Returns the limits and their current use.", examples: [.limits]
      ) { front in { front.writeLimits(to: &$0) } },
      Method(
        "limits/reset", "Ends the rate-limit pauses of a connection.",
        .task(JSONRPCFront.resetLimits), changes: .limits,
        params: { .parameters(ResetLimitsParameters.shape) },
        failures: { [FailureSchemas.invalidParams, FailureSchemas.commandFailed] },
        examples: [.limitsReset]),
      .withoutParams(
        "stats", "Returns counters since the start.", examples: [.stats]
      ) { front in { front.connection.writeStatistics(to: &$0) } },
      .withoutParams(
        "metrics", "Returns the metrics of the host as OpenMetrics text.", examples: [.metrics]
      ) { front in { front.engine.metrics.write(to: &$0) } },
      .withoutParams(
        "ping", "Returns an empty object.", isShared: true, result: "nothing", examples: [.ping]
      ) { _ in { $0.object { _ in } } },
      Method(
        "rpc.discover", "Returns this document.",
        .readingThread { (_, params) throws(RPCError) in
          try expectNothing(params)
          return .kept(OpenRPCDocument.text)
        }, params: { .closed([]) }),
      .withoutParams(
        "shutdown", "Finishes the requests in flight, then exits.", changes: .requests,
        result: "nothing", examples: [.shutdown]
      ) { front in
        front.connection.shutDown()
        return { $0.object { _ in } }
      },
    ]
  }

  /// - Throws: -32602 if there are params.
  static func expectNothing(_ params: JSON?) throws(RPCError) {
    guard let params, params.count > 0 else { return }
    throw InvocationError(RequestProblems("", "the method takes no params")).rpcError
  }
}

extension ParameterShape {
  /// Decodes the params of a method.
  ///
  /// - Throws: -32602 with all problems.
  func params<Parameters: ParameterObject>(
    _ params: JSON?, as type: Parameters.Type
  ) throws(RPCError) -> Parameters {
    do throws(ParameterProblems) {
      return try decode(params) { Parameters(&$0) }
    } catch {
      throw InvocationError(RequestProblems(error, prefix: "")).rpcError
    }
  }
}
