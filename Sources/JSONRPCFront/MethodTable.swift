import Engine
import IntegrationKit
import JSON
import RPC

/// The methods, in the order in which discovery lists them.
extension Method {
  /// Methods of the Model Context Protocol, for suggestions: another front answers them.
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
        "capabilities", "Describes the integrations, their commands and all parameters.",
        .readingThread(JSONRPCFront.capabilities), redaction: .nothing,
        params: { .parameters(CapabilitiesParameters.shape) }, examples: { [.capabilities] }),
      Method(
        "invoke", "Runs one command.", .engine, changes: .vendor, params: { InvokeParams.schema },
        failures: commandFailures, examples: { [.invoke, .dryRun] }),
      Method(
        "cancel", "Ends a request that is under way.", .readingThread(JSONRPCFront.cancel),
        changes: .requests, params: { .parameters(CancelParameters.shape) },
        examples: { [.cancel] }),
    ]
  }

  static var connections: [Method] {
    [
      Method(
        "connections/put", "Adds a connection, or replaces one, for as long as the host runs.",
        .readingThread(JSONRPCFront.putConnection), changes: .connections,
        params: { .parameters(PutConnectionParameters.shape) }, examples: { [.connectionsPut] }),
      .withoutParams(
        "connections/list", "Shows the connections.", examples: { [.connectionsList] }
      ) { front in { front.engine.connections.write(to: &$0) } },
      Method(
        "connections/remove", "Removes a connection, for as long as the host runs.",
        .readingThread(JSONRPCFront.removeConnection), changes: .connections,
        params: { .parameters(RemoveConnectionParameters.shape) },
        examples: { [.connectionsRemove] }),
      Method(
        "health/watch", "Checks a connection now and on a schedule.",
        .readingThread(JSONRPCFront.watchHealth), changes: .health,
        params: { .parameters(WatchHealthParameters.shape) }, examples: { [.healthWatch] }),
      .withoutParams(
        "health/status", "Shows what is watched.", examples: { [.healthStatus] }
      ) { front in { front.engine.health.write(to: &$0) } },
      Method(
        "health/unwatch", "Ends the checks of a connection.",
        .readingThread(JSONRPCFront.unwatchHealth), changes: .health,
        params: { .parameters(UnwatchHealthParameters.shape) }, examples: { [.healthUnwatch] }),
    ]
  }

  static var files: [Method] {
    FileMethod.allCases.map { method in
      Method(
        method.rawValue, method.summary, .orderedFiles(method), changes: .files,
        params: { .parameters(method.shape) }, failures: commandFailures,
        examples: { [.of(method)] })
    }
  }

  static var host: [Method] {
    [
      .withoutParams(
        "limits", "Shows the limits, and how near they are.", examples: { [.limits] }
      ) { front in { front.writeLimits(to: &$0) } },
      .withoutParams(
        "stats", "Shows what was counted since the start.", examples: { [.stats] }
      ) { front in { front.connection.writeStatistics(to: &$0) } },
      .withoutParams("ping", "Answers.", result: "nothing", examples: { [.ping] }) { _ in
        { $0.object { _ in } }
      },
      .withoutParams("rpc.discover", "Answers this document.", redaction: .nothing) { _ in
        { OpenRPCDocument.write(to: &$0) }
      },
      .withoutParams(
        "shutdown", "Finishes what is under way, and ends.", changes: .requests, result: "nothing",
        examples: { [.shutdown] }
      ) { front in
        front.connection.shutDown()
        return { $0.object { _ in } }
      },
    ]
  }

  /// - Throws: -32602 for params of a method that takes none.
  static func expectNothing(_ params: JSON?) throws(RPCError) {
    guard let params, params.count > 0 else { return }
    throw InvocationError(ParameterFaults("", "the method takes no params")).rpcError
  }
}

extension ParameterShape {
  /// Decodes the params of a method.
  ///
  /// - Throws: -32602 with all faults.
  func params<Parameters: ParameterObject>(
    _ params: JSON?, as type: Parameters.Type
  ) throws(RPCError) -> Parameters {
    do throws(ParameterProblems) {
      return try decode(params) { Parameters(&$0) }
    } catch {
      throw InvocationError(ParameterFaults(error, prefix: "")).rpcError
    }
  }
}
