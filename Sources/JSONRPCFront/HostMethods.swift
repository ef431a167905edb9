import Engine
import FileStore
import IntegrationKit
import JSON
import RPC

struct CapabilitiesParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: CapabilitiesParameters.self)
  let integration: JSON?
  let command: JSON?
  let detail: Catalogue.Detail

  init(_ members: inout ParamReader) {
    integration = members.optional("integration", .jsonText, "Only this integration.")
    command = members.optional("command", .jsonText, "Only this command of the integration.")
    detail = members.optional(
      "detail", .choice(Catalogue.Detail.self), "The level of detail.", default: .full)
  }
}

struct CancelParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: CancelParameters.self)
  let id: RequestID

  init(_ members: inout ParamReader) {
    id = members.required("id", .requestID, "The id of a request in flight.")
  }
}

struct ResetLimitsParameters: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  static let shape = ParameterShape(of: ResetLimitsParameters.self)
  let connection: String

  init(_ members: inout ParamReader) {
    connection = members.required("connection", .text, "The connection whose pauses end.")
  }
}

/// The methods for the host itself.
extension JSONRPCFront {
  @Sendable
  static func capabilities(
    _ front: JSONRPCFront, _ params: JSON?
  ) throws(RPCError) -> MethodResult {
    let parameters = try CapabilitiesParameters.shape.params(
      params, as: CapabilitiesParameters.self)
    let catalogue = front.engine.catalogue
    var integration: RegisteredIntegration?
    var command: RegisteredCommand?
    if parameters.integration != nil || parameters.command != nil {
      do throws(RequestProblems) {
        // A plugin without a lock is known when it has started.
        if let id = parameters.integration?.string { catalogue.load(id) }
        let found = try Lookup.integration(parameters.integration, in: catalogue)
        integration = found
        if let id = parameters.command { command = try Lookup.command(id, of: found) }
      } catch {
        throw InvocationError(error).rpcError
      }
    }
    return .kept(
      catalogue.capabilities(
        integration: integration, command: command, detail: parameters.detail))
  }

  @Sendable
  static func cancel(
    _ front: JSONRPCFront, _ params: JSON?
  ) throws(RPCError) -> MethodResult {
    let parameters = try CancelParameters.shape.params(params, as: CancelParameters.self)
    let isInFlight = front.connection.isInFlight(parameters.id)
    let cancel = { _ = front.connection.cancel(parameters.id) }
    return MethodResult(afterwards: cancel) {
      $0.object { $0.member("cancelled", isInFlight) }
    }
  }

  @Sendable
  static func resetLimits(
    _ front: JSONRPCFront, _ params: JSON?, _ caller: AuditCaller
  ) throws(RPCError) -> TaskMethod {
    let name = try ResetLimitsParameters.shape.params(
      params, as: ResetLimitsParameters.self
    ).connection
    guard front.engine.connections.entries.contains(where: { $0.name == name }) else {
      throw front.unknownConnection(name, at: "/connection")
    }
    return { [engine = front.engine] in
      let lifted = await engine.endRatePauses(of: name) ?? 0
      return {
        $0.object {
          $0.member("connection", name)
          $0.member("lifted", lifted)
        }
      }
    }
  }

  func writeLimits(to writer: inout JSONWriter) {
    let limits = connection.limits
    writer.object { writer in
      writer.name("host")
      writer.object {
        $0.member("max_in_flight", limits.maximumInFlight)
        $0.member("in_flight", connection.inFlight)
        $0.member("parked", connection.parked)
        $0.member("max_parked_bytes", limits.maximumParkedBytes)
        $0.member("max_line_bytes", limits.maximumLineBytes)
        $0.member("max_result_bytes", limits.maximumResultBytes)
        $0.member("max_batch_requests", limits.maximumBatchRequests)
        $0.member("max_depth", JSONLimits().depth)
        $0.member("max_file_bytes", FileStore.maximumFileBytes)
        $0.member("max_file_chunk_bytes", FileMethod.maximumChunkBytes)
      }
      writer.name("fences")
      writer.object { writer in
        let fences = engine.options.fences
        writer.member("read_only", engine.options.isReadOnly)
        writer.member("connections_only", fences.allowsOnlyConfiguredConnections)
        writer.name("files_from")
        writer.array { for directory in fences.readableDirectories { $0.string(directory.path) } }
      }
      writer.name("connections")
      writer.object { writer in
        for entry in engine.connections.entries {
          writer.name(text: entry.name)
          entry.open.connection.limiter.write(to: &writer)
        }
      }
    }
  }
}
