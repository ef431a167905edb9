import Basics
import FileStore
import IntegrationKit
import JSON
import RPC

/// The methods that are answered at once, without a vendor.
struct Methods {
  let context: HostContext
  let statistics: Statistics
  let admission: Admission
  let active: ActiveRequests
  let health: HealthMonitor

  /// Writes the result of a call.
  ///
  /// - Throws: the error to answer; what was written before is to be dropped.
  func answer(_ call: Call, into writer: inout JSONWriter) throws(RPCError) {
    switch call.method {
    case "capabilities": try capabilities(call.params, into: &writer)
    case "cancel": try cancel(call.params, into: &writer)
    case "connections/list":
      try expectNothing(call.params)
      context.connections.write(to: &writer)
    case "connections/put": try putConnection(call.params, into: &writer)
    case "connections/remove": try removeConnection(call.params, into: &writer)
    case "health/watch": try watch(call.params, into: &writer)
    case "health/unwatch": try unwatch(call.params, into: &writer)
    case "health/status":
      try expectNothing(call.params)
      health.write(to: &writer)
    case "limits":
      try expectNothing(call.params)
      writeLimits(into: &writer)
    case "stats":
      try expectNothing(call.params)
      statistics.write(inFlight: admission.inFlight, to: &writer)
    case "rpc.discover":
      try expectNothing(call.params)
      OpenRPCDocument.write(to: &writer)
    case "ping", "shutdown":
      try expectNothing(call.params)
      writer.object { _ in }
    default:
      let names = MethodDescription.names
      let suggestion = Suggestion.closest(
        to: call.method, among: names + MCPMethod.allCases.map(\.rawValue))
      throw RPCError(
        .methodNotFound, "There is no method of that name.",
        data: JSONFragment { writer in
          writer.object { writer in
            writer.member("method", String(call.method.prefix(200)))
            writer.member(ifPresent: "did_you_mean", suggestion)
            writer.name("methods")
            writer.array { for name in names { $0.string(name) } }
          }
        })
    }
  }

  // MARK: Parameters

  private func read<Parameters: ParameterObject>(
    _ params: JSON?, _ type: Parameters.Type, _ shape: ParameterShape
  ) throws(RPCError) -> Parameters {
    do throws(ParameterProblems) {
      return try shape.decode(params) { Parameters(&$0) }
    } catch {
      throw ParameterFaults(error, prefix: "").error()
    }
  }

  private func expectNothing(_ params: JSON?) throws(RPCError) {
    guard let params, params.count > 0 else { return }
    throw ParameterFaults("", "the method takes no params").error()
  }

  // MARK: Methods

  struct CapabilitiesParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: CapabilitiesParameters.self)
    let integration: JSON?
    let command: JSON?
    let detail: Catalogue.Detail

    init(_ members: inout ParamReader) {
      integration = members.optional("integration", .jsonText, "Only this integration.")
      command = members.optional("command", .jsonText, "Only this command of it.")
      detail = members.optional(
        "detail", .choice(Catalogue.Detail.self), "How much to say.", default: .full)
    }
  }

  private func capabilities(_ params: JSON?, into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(
      params, CapabilitiesParameters.self, CapabilitiesParameters.shape)
    var integration: RegisteredIntegration?
    var command: RegisteredCommand?
    if parameters.integration != nil || parameters.command != nil {
      do throws(ParameterFaults) {
        let found = try Lookup.integration(parameters.integration, in: context.catalogue)
        integration = found
        if let id = parameters.command { command = try Lookup.command(id, of: found) }
      } catch {
        throw error.error()
      }
    }
    context.catalogue.write(
      integration: integration, command: command, detail: parameters.detail, to: &writer)
  }

  struct CancelParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: CancelParameters.self)
    let id: RequestID

    init(_ members: inout ParamReader) {
      id = members.required("id", .requestID, "The id of a request under way.")
    }
  }

  private func cancel(_ params: JSON?, into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(params, CancelParameters.self, CancelParameters.shape)
    let found = active.cancel(parameters.id)
    writer.object { $0.member("cancelled", found) }
  }

  struct PutParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: PutParameters.self)
    let name: String
    let connection: JSON

    init(_ members: inout ParamReader) {
      name = members.required(
        "name", .text(maximumCharacters: 128), "How invokes name the connection.")
      connection = members.required("connection", .jsonObject, "The connection.")
    }
  }

  private func putConnection(_ params: JSON?, into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(params, PutParameters.self, PutParameters.shape)
    do throws(ParameterProblems) {
      let isNew = try !context.connections.put(parameters.connection, name: parameters.name)
      writer.object {
        $0.member("name", parameters.name)
        $0.member("replaced", !isNew)
      }
    } catch {
      throw ParameterFaults(error, prefix: "/connection").error()
    }
  }

  struct RemoveParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: RemoveParameters.self)
    let name: String

    init(_ members: inout ParamReader) {
      name = members.required("name", .text, "The connection.")
    }
  }

  private func removeConnection(
    _ params: JSON?, into writer: inout JSONWriter
  ) throws(RPCError) {
    let name = try read(params, RemoveParameters.self, RemoveParameters.shape).name
    guard context.connections.remove(name) else {
      throw ParameterFaults(
        "/name", "is unknown",
        didYouMean: Suggestion.closest(
          to: name, among: context.connections.entries.map(\.name))
      ).error()
    }
    _ = health.stop(name)
    writer.object { $0.member("removed", true) }
  }

  // MARK: Health

  struct WatchParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: WatchParameters.self)
    let connection: String
    let intervalSeconds: Int64
    let notifyAfterFailures: Int64

    init(_ members: inout ParamReader) {
      connection = members.required("connection", .text, "The connection to check.")
      intervalSeconds = members.optional(
        "interval_seconds", .integer(from: 1, to: 604_800), "Seconds between two checks.",
        default: 300)
      notifyAfterFailures = members.optional(
        "notify_after_failures", .integer(from: 1, to: 1_000),
        "Failures in a row before a further notification.", default: 1)
    }
  }

  private func watch(_ params: JSON?, into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(params, WatchParameters.self, WatchParameters.shape)
    try expectConnection(parameters.connection)
    health.start(
      HealthMonitor.Watch(
        connection: parameters.connection, intervalSeconds: parameters.intervalSeconds,
        notifyAfterFailures: parameters.notifyAfterFailures))
    writer.object { $0.member("watching", parameters.connection) }
  }

  struct UnwatchParameters: ParameterObject {
    static let naming = ParameterShape.Naming.verbatim
    static let shape = ParameterShape(of: UnwatchParameters.self)
    let connection: String

    init(_ members: inout ParamReader) {
      connection = members.required("connection", .text, "The connection to leave alone.")
    }
  }

  private func unwatch(_ params: JSON?, into writer: inout JSONWriter) throws(RPCError) {
    let parameters = try read(params, UnwatchParameters.self, UnwatchParameters.shape)
    let found = health.stop(parameters.connection)
    writer.object { $0.member("unwatched", found) }
  }

  private func expectConnection(_ name: String) throws(RPCError) {
    let names = context.connections.entries.map(\.name)
    guard !names.contains(name) else { return }
    throw ParameterFaults(
      "/connection", "is unknown", didYouMean: Suggestion.closest(to: name, among: names)
    ).error()
  }

  private func writeLimits(into writer: inout JSONWriter) {
    let options = context.options
    writer.object { writer in
      writer.name("host")
      writer.object {
        $0.member("max_in_flight", options.maximumInFlight)
        $0.member("in_flight", admission.inFlight)
        $0.member("max_line_bytes", options.maximumLineBytes)
        $0.member("max_batch_requests", options.maximumBatchRequests)
        $0.member("max_depth", JSONLimits().depth)
        $0.member("max_file_bytes", FileStore.maximumFileBytes)
        $0.member("max_file_chunk_bytes", FileMethod.maximumChunkBytes)
      }
      writer.name("connections")
      writer.object { writer in
        for entry in context.connections.entries {
          writer.name(text: entry.name)
          entry.open.connection.limiter.write(to: &writer)
        }
      }
    }
  }
}
