import Basics
import Engine
import IntegrationKit
import JSON
import RPC

struct PutConnectionParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: PutConnectionParameters.self)
  let name: String
  let connection: JSON

  init(_ members: inout ParamReader) {
    name = members.required(
      "name", .text(maximumCharacters: 128), "The name of the connection in requests.")
    connection = members.required("connection", .jsonObject, "The connection.")
  }
}

struct RemoveConnectionParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: RemoveConnectionParameters.self)
  let name: String

  init(_ members: inout ParamReader) {
    name = members.required("name", .text, "The name of the connection.")
  }
}

struct WatchHealthParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: WatchHealthParameters.self)
  let connection: String
  let intervalSeconds: Int64
  let notifyAfterFailures: Int64

  init(_ members: inout ParamReader) {
    connection = members.required("connection", .text, "The connection to check.")
    intervalSeconds = members.optional(
      "interval_seconds", .integer(from: 1, to: 604_800), "The interval between checks in seconds.",
      default: 300)
    notifyAfterFailures = members.optional(
      "notify_after_failures", .integer(from: 1, to: 1_000),
      "The number of consecutive failures that triggers another notification.", default: 1)
  }
}

struct UnwatchHealthParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: UnwatchHealthParameters.self)
  let connection: String

  init(_ members: inout ParamReader) {
    connection = members.required("connection", .text, "The connection to stop checking.")
  }
}

/// The methods for connections and their health.
extension JSONRPCFront {
  @Sendable
  static func putConnection(
    _ front: JSONRPCFront, _ params: JSON?, _ caller: AuditCaller
  ) throws(RPCError) -> MethodResult {
    let parameters = try PutConnectionParameters.shape.params(
      params, as: PutConnectionParameters.self)
    let wasReplaced: Bool
    var obstacle: CommandError?
    do throws(ParameterProblems) {
      wasReplaced = try front.engine.connections.put(
        parameters.connection, name: parameters.name
      ) {
        obstacle = front.obstacle(
          to: .connectionPut(
            name: parameters.name, integration: parameters.connection["integration"]?.string),
          by: caller)
        return obstacle == nil
      }
    } catch {
      throw InvocationError(RequestProblems(error, prefix: "/connection")).rpcError
    }
    if let obstacle { throw Self.error(obstacle, of: "connections/put") }
    return MethodResult(afterwards: front.connectionsChanged) { writer in
      writer.object {
        $0.member("name", parameters.name)
        $0.member("replaced", wasReplaced)
      }
    }
  }

  @Sendable
  static func removeConnection(
    _ front: JSONRPCFront, _ params: JSON?, _ caller: AuditCaller
  ) throws(RPCError) -> MethodResult {
    let name = try RemoveConnectionParameters.shape.params(
      params, as: RemoveConnectionParameters.self
    ).name
    guard front.engine.connections.contains(name) else {
      throw front.unknownConnection(name, at: "/name")
    }
    if let obstacle = front.obstacle(to: .connectionRemoved(name: name), by: caller) {
      throw Self.error(obstacle, of: "connections/remove")
    }
    _ = front.engine.connections.remove(name)
    _ = front.engine.health.stop(name)
    return MethodResult(afterwards: front.connectionsChanged) {
      $0.object { $0.member("removed", true) }
    }
  }

  @Sendable
  static func reloadConnections(
    _ front: JSONRPCFront, _ params: JSON?, _ caller: AuditCaller
  ) throws(RPCError) -> TaskMethod {
    try Method.expectNothing(params)
    return { [engine = front.engine] () async throws(RPCError) in
      do throws(CommandError) {
        let report = try await engine.reloadConnections(for: caller)
        return { report.write(to: &$0) }
      } catch {
        throw InvocationError(
          error, indicator: "The request connections/reload failed."
        ).rpcError
      }
    }
  }

  @Sendable
  static func watchHealth(
    _ front: JSONRPCFront, _ params: JSON?
  ) throws(RPCError) -> MethodResult {
    let parameters = try WatchHealthParameters.shape.params(
      params, as: WatchHealthParameters.self)
    let name = parameters.connection
    guard front.engine.connections.contains(name) else {
      throw front.unknownConnection(name, at: "/connection")
    }
    do throws(InvocationError) {
      try front.engine.health.start(
        HealthMonitor.Watch(
          connection: name, intervalSeconds: parameters.intervalSeconds,
          notifyAfterFailures: parameters.notifyAfterFailures),
        on: front.engine)
    } catch {
      throw error.rpcError
    }
    return MethodResult { $0.object { $0.member("watching", name) } }
  }

  @Sendable
  static func unwatchHealth(
    _ front: JSONRPCFront, _ params: JSON?
  ) throws(RPCError) -> MethodResult {
    let parameters = try UnwatchHealthParameters.shape.params(
      params, as: UnwatchHealthParameters.self)
    let wasFound = front.engine.health.stop(parameters.connection)
    return MethodResult { $0.object { $0.member("unwatched", wasFound) } }
  }

  /// Records a change.
  ///
  /// - Returns: the error if it must not happen, because it cannot be recorded.
  private func obstacle(to action: AuditedAction, by caller: AuditCaller) -> CommandError? {
    do throws(CommandError) {
      try engine.audit?.record(action, by: caller)
      return nil
    } catch {
      return error
    }
  }

  private static func error(_ error: CommandError, of method: String) -> RPCError {
    InvocationError(error, indicator: Method.named(method)?.failure ?? "").rpcError
  }

  func unknownConnection(_ name: String, at path: String) -> RPCError {
    InvocationError(RequestProblems(unknownConnection: name, at: path, in: engine)).rpcError
  }
}

extension RequestProblems {
  init(unknownConnection name: String, at path: String, in engine: Engine) {
    let names = engine.connections.entries.map(\.name)
    self.init(
      path,
      names.isEmpty
        ? "unknown connection; no connections are configured"
        : "unknown connection; expected one of: \(names.joined(separator: ", "))",
      didYouMean: Suggestion.closest(to: name, among: names))
  }
}
