import Basics
import Engine
import IntegrationKit
import JSON
import RPC

/// The JSON-RPC methods of the host (protocol/README.md).
package final class JSONRPCFront: Handler {
  let engine: Engine
  let connection: RPC.Connection
  let optionsMemo = OptionsMemo()
  let followers = Followers()
  /// Of methods that run as tasks without a slot of the in-flight limit.
  private let tasks = TaskSemaphore(JSONRPCFront.maximumTasks)
  /// Maximum number of such requests at a time. Further ones fail.
  private static let maximumTasks = 16
  private let fences: Fences
  let connectionsChanged: () -> Void

  /// - Parameters:
  ///   - hearsNotifications: whether the client accepts notifications that it did not request.
  ///   - connectionsChanged: called after the response to a method that changed the connections.
  ///   - connectionsReloaded: called after the connections file was read again and has changed them.
  package init(
    _ engine: Engine, on connection: RPC.Connection,
    hearsNotifications: @escaping @Sendable () -> Bool = { true },
    connectionsChanged: @escaping () -> Void = {},
    connectionsReloaded: @escaping @Sendable () -> Void = {}
  ) {
    self.engine = engine
    fences = engine.options.fences
    self.connection = connection
    self.connectionsChanged = connectionsChanged
    engine.health.reportChanges { [connection] change in
      if change.isConfigured && !hearsNotifications() { return }
      connection.send(
        connection.frames.notification(
          "health/changed", redaction: .everySecret(HealthMonitor.layout)
        ) { change.write(to: &$0) })
    }
    engine.connections.reportChanges { [connection] changes in
      if changes.contains(where: { $0.reload != nil }) { connectionsReloaded() }
      guard hearsNotifications() else { return }
      for change in changes {
        connection.send(
          connection.frames.notification("connections/changed", redaction: .ownText) {
            $0.object {
              $0.member("name", change.name)
              $0.member(ifPresent: "reload", change.reload?.rawValue)
            }
          })
      }
    }
    engine.catalogue.reportChanges { [connection] in connection.callsMayBeReady() }
    engine.health.watchConfigured(on: engine)
  }

  package func mustWait(_ call: Call, isBehindOthers: Bool) -> Bool {
    guard isBehindOthers || engine.catalogue.hasAdded else { return false }
    switch call.method {
    case "capabilities": return isBehindOthers || !engine.catalogue.isComplete
    case "connections/put":
      return isBehindOthers
        || engine.catalogue.isPending(call.params?["connection"]?["integration"])
    case "invoke", "events/follow":
      // Its connection may be put by a call that waits.
      return isBehindOthers
        && !(call.params?["integration"]?.string.map(engine.catalogue.isBuiltIn) ?? false)
    case "cancel": return false
    default:
      return isBehindOthers
        && [.connections, .configuredConnections, .health, .limits, .requests].contains(
          Method.named(call.method)?.changes ?? .nothing)
    }
  }

  package func takes(_ call: Call) -> Bool {
    call.method == "invoke" || Method.named(call.method) != nil
  }

  package func inputEnded() {
    engine.health.stopAll()
    for id in followers.ids { _ = connection.cancel(id) }
  }

  package func error(_ refusal: Refusal, of method: String, _ params: JSON?) -> RPCError {
    if method == "invoke" {
      let meta = InvokeParams.meta(params, since: .now)
      let request = Self.refusedRequest(params, in: engine)
      engine.count(refusal, of: request, meta: meta, from: .invoke)
      if let command = request.command { return .refusal(refusal, of: command, meta: meta) }
    }
    let method = Method.named(method)
    return .refusal(
      refusal, indicator: method?.failure ?? "The request failed.",
      changesSomething: method.map { $0.changes != .nothing } ?? true)
  }

  package func handle(_ call: Call, _ reply: consuming Reply) -> Answered {
    // First, for speed.
    if call.method == "invoke", !fences.allowsOnlyAgents { return invoke(call.params, reply) }
    guard let method = Method.named(call.method) else {
      return reply.error(.unknownMethod(call.method, behind: fences))
    }
    let caller = AuditCaller(reply.id)
    if let refusal = method.refusal(by: fences) {
      if method.name == "invoke" {
        Self.recordRefusal(of: call.params, refusal, by: caller, in: engine)
      } else {
        recordRefusal(of: method, refusal, by: caller)
      }
      return reply.error(refusal.rpcError)
    }
    // MCP clients add this member to the params of any method.
    let params = call.params?.removing("_meta")
    switch method.execution {
    case .engine: return invoke(params, reply)
    case .task(let prepare):
      let work: TaskMethod
      do throws(RPCError) {
        work = try prepare(self, params, caller)
      } catch {
        recordRefusal(of: method, error, by: caller)
        return reply.error(error)
      }
      return run(work, of: method, reply)
    case .follower: return follow(params, reply)
    case .acknowledgement: return acknowledge(params, reply)
    case .orderedFiles(let fileMethod): return run(fileMethod, params, reply)
    case .readingThread(let run):
      return respond(to: method, caller, reply) { () throws(RPCError) in try run(self, params) }
    case .audited(let run):
      return respond(to: method, caller, reply) { () throws(RPCError) in
        try run(self, params, caller)
      }
    }
  }

  private func respond(
    to method: Method, _ caller: AuditCaller, _ reply: consuming Reply,
    with run: () throws(RPCError) -> MethodResult
  ) -> Answered {
    let result: MethodResult
    do throws(RPCError) {
      result = try run()
    } catch {
      recordRefusal(of: method, error, by: caller)
      return reply.error(error)
    }
    switch result {
    case .kept(let text): return reply.ownResult(text)
    case .written(let write, let afterwards):
      let answered = reply.result(
        redaction: method.redaction(), isFollowedByMessages: afterwards != nil, write: write)
      afterwards?()
      return answered
    }
  }

  private func run(
    _ work: @escaping TaskMethod, of method: Method, _ reply: consuming Reply
  ) -> Answered {
    guard tasks.tryAcquire() else { return reply.error(.tooManyTasks(method.name)) }
    return reply.runWithoutSlot(
      isSilentWhenCancelled: false, onCancel: {},
      run: { [tasks, connection] request in
        defer { tasks.release() }
        do throws(RPCError) {
          let write = try await work()
          // Unread responses must not accumulate.
          await connection.room()
          return request.result(redaction: method.redaction()) { write(&$0) }
        } catch {
          return request.error(error)
        }
      })
  }

  // MARK: invoke

  private func invoke(_ params: JSON?, _ reply: consuming Reply) -> Answered {
    let arrival = reply.arrival
    let invocation: PreparedInvocation
    do throws(InvocationError) {
      var request = try InvokeParams.request(params, engine, optionsMemo, arrival: arrival)
      if let lines = engine.lines { request.setLineKey(from: lines, reply.place, reply.id) }
      guard !request.options.dryRun || !request.command.hasReadyPlan else {
        let plan = try engine.plan(request)
        // Credentials are not in it; the other text is the caller's.
        return reply.result(redaction: .ownText) { plan.write(to: &$0) }
      }
      invocation = try engine.prepare(request)
    } catch {
      if engine.catalogue.isAdded(params?["integration"]) {
        return invokeLater(params, since: arrival, reply)
      }
      let caller = AuditCaller(reply.id)
      return reply.error(Self.refusal(error, of: params, since: arrival, by: caller, in: engine))
    }
    return run(invocation, reply)
  }

  private func run(
    _ invocation: PreparedInvocation, _ reply: consuming Reply
  ) -> Answered {
    // The timeout covers the time that the call waits for a slot.
    let deadline = invocation.deadlineFromNow
    let terms = Reply.Terms(deadline: deadline) { invocation.refused($0) }
    return reply.run(terms) { [connection] request in
      await Self.response(to: request, invocation, by: deadline, on: connection)
    }
  }

  private static func response(
    to request: InFlightRequest, _ invocation: PreparedInvocation, by deadline: Deadline?,
    on connection: RPC.Connection
  ) async -> Response {
    let options = invocation.request.options
    let events = request.id.flatMap { id in
      options.stream || options.progress
        ? InvocationNotifications(
          id, on: connection, of: invocation, reportsWaits: options.stream)
        : nil
    }
    return await invocation.run(
      for: AuditCaller(request.id), by: deadline, events: events
    ) { outcome in
      // Unread responses must not accumulate: their memory counts for other invocations.
      await connection.room()
      return request.response(
        to: outcome.explainingCancellation(request.cancelReason?.explanation))
    }
  }

  /// Milliseconds that a call without a timeout waits for a plugin that must be started to be known.
  static let loadMilliseconds = 60_000

  /// An invoke of a plugin that may have to be started before its params can be checked.
  private func invokeLater(
    _ params: JSON?, since arrival: MonotonicTime, _ reply: consuming Reply
  ) -> Answered {
    let given = InvokeParams.timeoutMilliseconds(params).map { Deadline(inMilliseconds: $0) }
    let terms = Reply.Terms(deadline: given) {
      .refusal(
        $0, indicator: "The invocation failed.", changesSomething: true,
        meta: InvokeParams.meta(params, since: arrival))
    }
    let place = reply.place
    return reply.run(terms) { [engine, connection, optionsMemo] request in
      await engine.catalogue.load(
        params?["integration"], until: given ?? Deadline(inMilliseconds: Self.loadMilliseconds))
      do throws(InvocationError) {
        var invocationRequest = try InvokeParams.request(
          params, engine, optionsMemo, arrival: arrival)
        if let lines = engine.lines { invocationRequest.setLineKey(from: lines, place, request.id) }
        let invocation = try engine.prepare(invocationRequest)
        return await Self.response(to: request, invocation, by: given, on: connection)
      } catch {
        let caller = AuditCaller(request.id)
        return request.error(
          Self.refusal(error, of: params, since: arrival, by: caller, in: engine))
      }
    }
  }

  /// The error of an invoke that does not run, which is recorded.
  private static func refusal(
    _ error: InvocationError, of params: JSON?, since arrival: MonotonicTime,
    by caller: AuditCaller, in engine: Engine
  ) -> RPCError {
    let error = withMeta(error, of: params, since: arrival, in: engine)
    recordRefusal(of: params, error, by: caller, in: engine)
    return error.rpcError
  }

  static func withMeta(
    _ error: InvocationError, of params: JSON?, since arrival: MonotonicTime, in engine: Engine
  ) -> InvocationError {
    var error = error
    error.meta =
      error.meta ?? engine.meta(refusing: InvokeParams.traceparent(params), since: arrival)
    return error
  }

  // MARK: Files

  private func run(
    _ method: FileMethod, _ params: JSON?, _ reply: consuming Reply
  ) -> Answered {
    let terms = Reply.Terms {
      .refusal($0, indicator: method.failure, changesSomething: method.changesSomething)
    }
    return reply.run(terms, on: .orderedFiles) {
      [files = engine.files, audit = engine.audit, fences] request in
      FileCall(
        method: method, params: params, store: files, fences: fences, audit: audit,
        caller: AuditCaller(request.id),
        isCancelled: { request.cancelReason != nil }
      ).response(to: request)
    }
  }
}

extension InFlightRequest {
  fileprivate func response(to outcome: Outcome) -> Response {
    let redaction = FrameWriter.Redaction.secrets(of: outcome.redaction, Outcome.resultLayout)
    switch outcome.status {
    case .successful: return result(redaction: redaction) { outcome.writeResult(to: &$0) }
    case .partial: return result(.partial, redaction: redaction) { outcome.writeResult(to: &$0) }
    case .failed:
      return error(
        outcome.invocationError?.rpcError
          ?? RPCError(.commandFailed, outcome.command.failure))
    }
  }
}

extension RPCError {
  static func tooManyTasks(_ method: String) -> RPCError {
    InvocationError(
      CommandError(
        .unavailable, "Too many requests of the method \(method) are running.", isRetryable: true,
        remedy: "Wait for their responses."),
      indicator: "The request \(method) failed."
    ).rpcError
  }

  fileprivate static func unknownMethod(_ name: String, behind fences: Fences) -> RPCError {
    let names = Method.all.filter { $0.refusal(by: fences) == nil }.map(\.name)
    let suggestion = Suggestion.closest(to: name, among: names + Method.agentNames)
    return RPCError(
      .methodNotFound, "Method not found.",
      data: JSONFragment { writer in
        writer.object { writer in
          writer.member("method", String(name.prefix(200)))
          writer.member(ifPresent: "did_you_mean", suggestion)
          writer.name("methods")
          writer.array { for name in names { $0.string(name) } }
        }
      })
  }
}
