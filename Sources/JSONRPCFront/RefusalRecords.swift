import Engine
import IntegrationKit
import JSON
import RPC

/// The audit records of requests that this front rejects.
extension JSONRPCFront {
  /// - Parameter params: of an invoke. A dry run is not recorded, because nothing runs.
  static func recordRefusal(
    of params: JSON?, _ error: InvocationError, by caller: AuditCaller, in engine: Engine,
    from origin: InvocationOrigin = .invoke
  ) {
    guard params?["options"]?["dry_run"]?.bool != true else { return }
    engine.refused(refusedRequest(params, in: engine), error, by: caller, from: origin)
  }

  /// - Parameter params: of an invoke.
  static func refusedRequest(_ params: JSON?, in engine: Engine) -> RefusedRequest {
    RefusedRequest(
      integration: params?["integration"]?.string, commandID: params?["command"]?.string,
      InvokeParams.command(params, in: engine.catalogue),
      connection: params?["connection"]?.string,
      isInline: params?["connection"]?.kind == .object, label: params?["options"]?["label"]?.string,
      arguments: params?["arguments"])
  }

  /// A method that reads the state of the host is not recorded.
  func recordRefusal(of method: Method, _ error: InvocationError, by caller: AuditCaller) {
    guard let audit = engine.audit, method.isAudited else { return }
    audit.refused(RefusedRequest(method: method.name), error, by: caller)
  }

  func recordRefusal(of method: Method, _ error: RPCError, by caller: AuditCaller) {
    guard let audit = engine.audit, method.isAudited else { return }
    audit.refused(RefusedRequest(method: method.name), error, by: caller)
  }
}

extension Method {
  fileprivate var isAudited: Bool {
    switch changes {
    case .connections, .configuredConnections, .health, .limits, .files, .vendor: true
    case .nothing, .requests: false
    }
  }
}

extension AuditCaller {
  /// The sender of a request. Nil for a notification.
  init(_ id: RequestID?) {
    self.init(id: id.map(JSONFragment.init(id:)) ?? .null)
  }
}
