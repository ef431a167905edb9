import Basics
import Engine
import IntegrationKit
import JSON
import RPC
import Synchronization

/// The methods of the Model Context Protocol, in all its revisions. The commands are its tools.
package final class MCPFront: Handler {
  /// Maximum number of subscriptions per connection.
  static let maximumSubscriptions = 256
  /// Maximum length of the id of a subscription in bytes, which is in each of its notifications.
  static let maximumSubscriptionIDBytes = 1_024

  let engine: Engine
  let options: MCPOptions
  let connection: RPC.Connection
  let catalogue: ToolCatalogue
  let questions = Questions()
  private let questionFiles: QuestionFiles
  private let subscriptions = Subscriptions()
  private let client = ClientPresence()
  /// The result of `initialize`.
  private var handshake: MCPCaller?
  /// The client of the last request.
  private var lastCaller: MCPCaller? {
    didSet { client.appeared() }
  }

  package init(_ engine: Engine, _ options: MCPOptions, on connection: RPC.Connection) {
    self.engine = engine
    self.options = options
    self.connection = connection
    catalogue = ToolCatalogue(engine, options)
    questionFiles = QuestionFiles(in: engine.files)
  }

  /// Whether a client of this protocol has sent a request. It does not accept the notifications of
  /// other protocols.
  package var clientPresence: @Sendable () -> Bool { { [client] in client.hasAppeared } }

  package var omitsUnknownID: Bool { lastCaller?.revision.hasErrorsWithoutID ?? false }

  package func takes(_ call: Call) -> Bool {
    MCPMethod(rawValue: call.method) != nil
      || call.id == nil && MCPNotification(rawValue: call.method) != nil
  }

  package func mustWait(_ call: Call, isBehindOthers: Bool) -> Bool {
    // Other methods must not wait until plugins have been read.
    guard engine.catalogue.hasAdded else { return false }
    switch MCPMethod(rawValue: call.method) {
    case .listTools, .listPrompts, .getPrompt: return !engine.catalogue.isComplete
    case .callTool:
      return !catalogue.isBuiltIn(call.params?["name"]?.string ?? "")
        && !engine.catalogue.isComplete
    default: return false
    }
  }

  package func handle(_ call: Call, _ reply: consuming Reply) -> Answered {
    guard let method = MCPMethod(rawValue: call.method) else {
      if MCPNotification(rawValue: call.method) == .cancelled { cancel(call.params) }
      return reply.nothing()
    }
    guard let id = reply.id else {
      engine.log.info(
        "ignored \(method.rawValue) without an id: it cannot have a response")
      return reply.nothing()
    }
    guard id.isStringOrInteger else {
      return reply.errorWithoutID(
        RPCError(
          .invalidRequest, "The id of \(method.rawValue) must be a string or an integer."))
    }
    let action: Action
    do throws(RPCError) {
      action = try self.action(
        for: method, call.params, id: id, reply.place, canAsk: !reply.isInBatch,
        arrival: reply.arrival)
    } catch {
      if method == .callTool {
        engine.refused(
          method: method.rawValue, error, by: (lastCaller ?? .unknown).sender(of: id))
      }
      return reply.error(error)
    }
    return perform(action, for: method, reply)
  }

  package func handle(response: JSON) -> Bool {
    // After a shutdown no command starts. The question ends at EOF.
    guard !connection.isShuttingDown, let question = response["id"]?.string else { return false }
    return questions.answer(question, Questions.Answer(response))
  }

  package func error(_ refusal: Refusal, of method: String, _ params: JSON?) -> RPCError {
    .refusal(
      refusal, indicator: MCPMethod(rawValue: method)?.failure ?? "The request failed.",
      changesSomething: method == MCPMethod.callTool.rawValue,
      meta: method == MCPMethod.callTool.rawValue
        ? OutcomeMeta(refusing: params?["_meta"]?["traceparent"]?.string, since: .now) : nil)
  }

  package func inputEnded() {
    questions.end()
    subscriptions.end()
  }

  /// Removes the files of questions. Blocks. Called after the last response.
  package func finish() { questionFiles.removeAll() }

  /// Notifies clients: the tools depend on the connections. Any thread may call it.
  package var connectionsChanged: @Sendable () -> Void {
    { [client, subscriptions, connection] in
      if client.hasInitialized {
        connection.send(connection.frames.notification("notifications/tools/list_changed"))
        connection.send(connection.frames.notification("notifications/prompts/list_changed"))
      }
      for subscription in subscriptions.all { subscription.sendChanges(on: connection) }
    }
  }

  /// Cancels a request. It then gets no response.
  private func cancel(_ params: JSON?) {
    guard let id = params?["requestId"].flatMap({ RequestID($0) }), !id.isNull else { return }
    _ = connection.cancel(id)
  }

  // MARK: Deciding

  /// How to respond to a method.
  private enum Action {
    case result(JSONFragment)
    /// An invalid or rejected tool call.
    case toolError(ToolResult, InvocationError)
    case run(ToolRun)
    /// Ask the user first.
    case ask(ToolRun)
    case readFiles(ResourceCall)
    case subscribe(Subscription)
  }

  private func action(
    for method: MCPMethod, _ params: JSON?, id: RequestID, _ place: RequestPlace, canAsk: Bool,
    arrival: MonotonicTime
  ) throws(RPCError) -> Action {
    if method == .initialize {
      let caller = try Introduction.caller(params)
      (handshake, lastCaller) = (caller, caller)
      client.initialized()
      return .result(
        JSONFragment { Introduction(engine, options).writeHandshake(for: caller, to: &$0) })
    }
    let caller = try MCPCaller(params, of: method, handshake: handshake)
    lastCaller = caller
    switch method {
    case .callTool:
      return try callTool(
        try ToolCall(params, arrival: arrival), id: id, place, for: caller, canAsk: canAsk)
    case .listTools:
      return .result(try catalogue.list(after: try MCPCursor.read(params), for: caller))
    case .listen: return try subscribe(params, id: id)
    case .listResources, .readResource:
      return .readFiles(
        ResourceCall(
          method: method, params: params, caller: caller, store: engine.files,
          audit: engine.audit, sender: caller.sender(of: id)))
    default:
      var writer = JSONWriter(capacity: 4_096)
      try write(method, params, for: caller, to: &writer)
      return .result(JSONFragment(trusted: writer.bytes))
    }
  }

  private func write(
    _ method: MCPMethod, _ params: JSON?, for caller: MCPCaller, to writer: inout JSONWriter
  ) throws(RPCError) {
    let playbooks = PlaybookMethods(catalogue: catalogue)
    switch method {
    case .listPrompts: try playbooks.writeList(params, for: caller, to: &writer)
    case .getPrompt: try playbooks.write(params, for: caller, to: &writer)
    case .listResourceTemplates:
      guard try MCPCursor.read(params) == nil else { throw MCPCursor.error }
      FileResource.writeTemplates(for: caller, to: &writer)
    case .discover: Introduction(engine, options).writeDiscovery(for: caller, to: &writer)
    case .initialize, .callTool, .listen, .listResources, .readResource, .listTools:
      preconditionFailure("\(method) is not handled here")
    }
  }

  private func callTool(
    _ call: ToolCall, id: RequestID, _ place: RequestPlace, for caller: MCPCaller, canAsk: Bool
  ) throws(RPCError) -> Action {
    var call = call
    if options.catalogueMode == .compact, let tool = CompactTool(rawValue: call.name) {
      do throws(CompactToolError) {
        guard tool == .run else {
          return .result(
            tool.result(try tool.answer(call.arguments, from: catalogue, for: caller), for: caller))
        }
        call = try CompactTool.unwrapped(call, in: catalogue)
      } catch {
        return .result(error.result(for: caller))
      }
    }
    guard let (integration, command) = catalogue.command(call.name) else {
      throw MCPError.invalid(
        "Unknown tool \"\(call.name.prefix(100))\".",
        didYouMean: catalogue.suggestion(for: call.name))
    }
    let result = ToolResult(caller: caller, command: command, engine: engine, options: options)
    do throws(InvocationError) {
      var request = try call.invocationRequest(
        integration, command, timeoutSeconds: options.timeoutSeconds,
        reportsProgress: caller.progressToken != nil)
      if let lines = engine.lines { request.setLineKey(from: lines, place, id) }
      let run = ToolRun(invocation: try engine.prepare(request), result: result)
      do throws(InvocationError) {
        return try confirmed(run, call, canAsk: canAsk)
      } catch {
        var error = error
        error.meta = run.invocation.refusalMeta
        throw error
      }
    } catch {
      var error = error
      error.meta =
        error.meta ?? engine.meta(refusing: call.traceparent, since: call.arrival)
      engine.refused(
        RefusedRequest(
          integration: integration.id, commandID: command.id, command,
          connection: call.arguments?["connection"]?.string, label: call.label,
          arguments: call.arguments?.removing("connection")),
        error, by: caller.sender(of: id), from: .toolCall)
      return .toolError(result, error)
    }
  }

  /// - Throws: the error of a command that is not confirmed.
  private func confirmed(
    _ run: ToolRun, _ call: ToolCall, canAsk: Bool
  ) throws(InvocationError) -> Action {
    let caller = run.result.caller
    let command = run.invocation.command
    switch Confirmation.need(options.confirmation, of: command, canAsk: caller.canElicit) {
    case .none: return .run(run)
    case .refuse: throw Confirmation.unable(command, options.confirmation)
    case .ask: break
    }
    guard caller.revision.isStateless || canAsk else { throw Confirmation.inBatch(command) }
    if let token = call.requestState, questions.take(token, for: run.invocation),
      let answer = call.inputResponses?[Confirmation.key]
    {
      guard case .accepted = Questions.Answer(result: answer) else {
        throw Confirmation.declined(command)
      }
      return .run(run)
    }
    return .ask(run)
  }

  private func subscribe(_ params: JSON?, id: RequestID) throws(RPCError) -> Action {
    guard let filter = params?["notifications"], filter.kind == .object else {
      throw MCPError.invalid("params.notifications must be an object.")
    }
    guard id.text.utf8.count <= Self.maximumSubscriptionIDBytes else {
      throw MCPError.invalid(
        "The id of a subscription must have at most \(Self.maximumSubscriptionIDBytes) bytes.")
    }
    guard subscriptions.count < Self.maximumSubscriptions else {
      throw RPCError(
        .invalidRequest,
        "The limit of \(Self.maximumSubscriptions) subscriptions is reached.", data: nil)
    }
    return .subscribe(
      Subscription(
        id: id, toolsListChanged: filter["toolsListChanged"]?.bool == true,
        promptsListChanged: filter["promptsListChanged"]?.bool == true))
  }

  // MARK: Performing

  private func perform(
    _ action: Action, for method: MCPMethod, _ reply: consuming Reply
  ) -> Answered {
    switch action {
    case .result(let result):
      return reply.ownResult(result)
    case .toolError(let result, let error):
      let written = result.error(error)
      return reply.result(.failed, redaction: .ownText) { $0.value(written) }
    case .run(let run):
      // The timeout covers the time that the call waits for a slot.
      let deadline = run.invocation.deadlineFromNow
      return reply.run(terms(of: run.invocation, deadline)) { [connection] request in
        await run.response(to: request, on: connection, by: deadline)
      }
    case .ask(let run):
      let deadline = run.invocation.deadlineFromNow
      return reply.run(terms(of: run.invocation, deadline)) {
        [engine, connection, questions, questionFiles] request in
        await ConfirmedRun(
          run: run, engine: engine, connection: connection, questions: questions,
          files: questionFiles
        ).response(to: request, by: deadline)
      }
    case .readFiles(let call):
      let terms = Reply.Terms(isSilentWhenCancelled: true) {
        .refusal($0, indicator: method.failure)
      }
      return reply.run(terms, on: .orderedFiles) { request in
        call.response(to: request)
      }
    case .subscribe(let subscription):
      reply.send(subscription.acknowledgement(by: connection.frames))
      let ended = subscriptions.add(subscription)
      return reply.runWithoutSlot(
        isSilentWhenCancelled: true,
        onCancel: { [subscriptions] in subscriptions.remove(subscription) },
        run: { request in
          _ = await ended.wait()
          return request.result(redaction: .ownText) { subscription.writeEnd(to: &$0) }
        })
    }
  }

  private func terms(of invocation: PreparedInvocation, _ deadline: Deadline?) -> Reply.Terms {
    Reply.Terms(isSilentWhenCancelled: true, deadline: deadline) { invocation.refused($0) }
  }
}

/// Whether a client of the protocol has sent a request.
private final class ClientPresence: Sendable {
  private let flag = Atomic(false)

  var hasAppeared: Bool { flag.load(ordering: .relaxed) }

  func appeared() { flag.store(true, ordering: .relaxed) }

  private let initialization = Atomic(false)

  /// Whether it has sent `initialize`, and so expects notifications.
  var hasInitialized: Bool { initialization.load(ordering: .relaxed) }

  func initialized() { initialization.store(true, ordering: .relaxed) }
}
