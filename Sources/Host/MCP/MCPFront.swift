import Basics
import IntegrationKit
import JSON
import RPC

/// The Model Context Protocol over the same stream: who the client is, and what is to be done with
/// each of its requests. Used by the reading thread only.
final class MCPFront {
  /// What is to be done with a request.
  enum Reply {
    /// The result, ready.
    case result(JSONFragment)
    /// A whole frame, ready.
    case failed([UInt8])
    /// Run the command; the result writes the answer.
    case run(InvokeRequest, ToolResult)
    case read(ResourceCall)
    /// Ask the user first.
    case ask(ToolRun)
    /// Answer at the end, and send this frame.
    case listening(Subscription, frame: [UInt8])
  }

  /// A tool call that may run as soon as its user agrees.
  struct ToolRun: Sendable {
    let request: InvokeRequest
    let result: ToolResult
    /// What the request was read from.
    let params: JSON
  }

  struct Subscription {
    let id: RequestID
    let toolsListChanged: Bool
    let promptsListChanged: Bool
  }

  private let context: HostContext
  private let catalogue: ToolCatalogue
  private var playbooks: PlaybookMethods { PlaybookMethods(catalogue: catalogue) }
  /// What `initialize` agreed on.
  private(set) var handshake: MCPCaller?
  /// Who sent the last request.
  private(set) var lastCaller: MCPCaller? {
    didSet { audience.becomeAgent() }
  }
  private let dialogues: Dialogues
  private let audience: Audience

  init(_ context: HostContext, _ dialogues: Dialogues, _ audience: Audience) {
    self.audience = audience
    self.context = context
    self.dialogues = dialogues
    catalogue = ToolCatalogue(context)
  }

  /// - Parameter canAsk: whether the stream can carry a question before the answer.
  /// - Throws: the error to answer.
  func reply(
    to method: MCPMethod, _ params: JSON?, id: RequestID, canAsk: Bool
  ) throws(RPCError) -> Reply {
    if method == .initialize { return .result(try initialize(params)) }
    let caller = try MCPCaller(params, of: method, handshake: handshake)
    lastCaller = caller
    switch method {
    case .callTool: return try call(params, for: caller, id: id, canAsk: canAsk)
    case .listen: return try listen(params, for: caller, id: id)
    case .listResources, .readResource:
      return .read(
        ResourceCall(method: method, params: params, caller: caller, store: context.files))
    default:
      var writer = JSONWriter(capacity: 4_096)
      try write(method, params, for: caller, to: &writer)
      return .result(JSONFragment(trusted: writer.bytes))
    }
  }

  private func write(
    _ method: MCPMethod, _ params: JSON?, for caller: MCPCaller, to writer: inout JSONWriter
  ) throws(RPCError) {
    switch method {
    case .listTools:
      try catalogue.writeList(after: try MCPCursor.read(params), for: caller, to: &writer)
    case .listPrompts: try playbooks.writeList(params, for: caller, to: &writer)
    case .getPrompt: try playbooks.write(params, for: caller, to: &writer)
    case .listResourceTemplates:
      guard try MCPCursor.read(params) == nil else { throw MCPCursor.fault }
      FileResource.writeTemplates(for: caller, to: &writer)
    case .discover: Introduction(context).writeDiscovery(for: caller, to: &writer)
    case .initialize, .callTool, .listen, .listResources, .readResource:
      preconditionFailure("\(method) is not answered here")
    }
  }

  private func initialize(_ params: JSON?) throws(RPCError) -> JSONFragment {
    let caller = try Introduction.caller(params)
    (handshake, lastCaller) = (caller, caller)
    return JSONFragment { Introduction(context).writeHandshake(for: caller, to: &$0) }
  }

  // MARK: Tools

  private func call(
    _ params: JSON?, for caller: MCPCaller, id: RequestID, canAsk: Bool
  ) throws(RPCError) -> Reply {
    var call = try ToolCall(params)
    if context.options.mcp.catalogueMode == .compact, let tool = CompactTool(rawValue: call.name) {
      do throws(CompactFault) {
        guard tool == .run else { return .result(try answer(call, with: tool, for: caller)) }
        call = try CompactTool.unwrapped(call, in: catalogue)
      } catch {
        return .result(Self.answer(error, for: caller))
      }
    }
    guard let (integration, command) = catalogue.command(call.name) else {
      throw MCPFault.invalid(
        "There is no tool \(call.name.prefix(100)).",
        didYouMean: catalogue.suggestion(for: call.name))
    }
    let result = ToolResult(caller: caller, command: command, context: context)
    do throws(RPCError) {
      let params = try call.invokeParams(
        integration, command, timeoutSeconds: context.options.mcp.timeoutSeconds,
        tellsProgress: caller.progressToken != nil)
      let run = ToolRun(
        request: try InvokeRequest(params, in: context), result: result, params: params)
      return try confirmed(run, call, canAsk: canAsk)
    } catch {
      return .failed(result.frame(id, error))
    }
  }

  /// Runs the command, or asks first.
  ///
  /// - Throws: the failure of a command that may not run.
  private func confirmed(
    _ run: ToolRun, _ call: ToolCall, canAsk: Bool
  ) throws(RPCError) -> Reply {
    let caller = run.result.caller
    let confirmation = Confirmation(request: run.request)
    switch confirmation.need(context.options.mcp.confirmation, canAsk: caller.canElicit) {
    case .none: return .run(run.request, run.result)
    case .refuse:
      throw Confirmation.refusal(
        run.request.command, "It has to be confirmed, and this client cannot ask its user.",
        remedy: "Use a client with elicitation, or start the host with --confirm destructive.")
    case .ask: break
    }
    guard caller.revision.isStateless || canAsk else {
      throw Confirmation.refusal(
        run.request.command, "It has to be confirmed, and a batch has no place for the question.",
        remedy: "Send the call as a line of its own.")
    }
    if let token = call.requestState, dialogues.take(token, for: run.request),
      let answer = call.inputResponses?[Confirmation.key]
    {
      guard answer["action"]?.equals("accept") == true else {
        throw Confirmation.declined(run.request.command)
      }
      return .run(run.request, run.result)
    }
    return .ask(run)
  }

  private func answer(
    _ call: ToolCall, with tool: CompactTool, for caller: MCPCaller
  ) throws(CompactFault) -> JSONFragment {
    let answer = try tool.answer(call.arguments, from: catalogue, for: caller)
    return JSONFragment { writer in
      writer.result(for: caller) { writer in
        writer.name("content")
        writer.array { $0.textContent(answer.text) }
        if caller.revision.hasStructuredContent { writer.member("structuredContent", answer) }
      }
    }
  }

  private static func answer(_ fault: CompactFault, for caller: MCPCaller) -> JSONFragment {
    JSONFragment { writer in
      writer.result(for: caller) { writer in
        writer.name("content")
        writer.array { $0.textContent(fault.sentence) }
        // The output schema of `run` asks for it.
        if caller.revision.hasStructuredContent {
          writer.name("structuredContent")
          writer.object {
            $0.member("return_data", "Failed")
            $0.member("message", fault.sentence)
          }
        }
        writer.member("isError", true)
      }
    }
  }

  // MARK: Subscriptions

  private func listen(
    _ params: JSON?, for caller: MCPCaller, id: RequestID
  ) throws(RPCError) -> Reply {
    guard let filter = params?["notifications"], filter.kind == .object else {
      throw MCPFault.invalid("params.notifications must be an object.")
    }
    let subscription = Subscription(
      id: id, toolsListChanged: filter["toolsListChanged"]?.bool == true,
      promptsListChanged: filter["promptsListChanged"]?.bool == true)
    return .listening(subscription, frame: subscription.acknowledgement)
  }

  /// The notifications that tell a client which introduced itself that tools have changed.
  func changes() -> [[UInt8]] {
    guard handshake != nil else { return [] }
    return [
      Frame.bare("notifications/tools/list_changed"),
      Frame.bare("notifications/prompts/list_changed"),
    ]
  }
}

extension MCPFront.Subscription {
  /// Which notifications it will get.
  fileprivate var acknowledgement: [UInt8] {
    frame("notifications/subscriptions/acknowledged") { writer in
      writer.name("notifications")
      writer.object {
        if toolsListChanged { $0.member("toolsListChanged", true) }
        if promptsListChanged { $0.member("promptsListChanged", true) }
      }
    }
  }

  /// The notifications that were subscribed to.
  var changes: [[UInt8]] {
    (toolsListChanged ? [frame("notifications/tools/list_changed")] : [])
      + (promptsListChanged ? [frame("notifications/prompts/list_changed")] : [])
  }

  /// The response that ends it.
  var end: [UInt8] {
    var writer = JSONWriter()
    Frame.result(id, into: &writer) { writer in
      writer.object { writer in
        writer.member("resultType", "complete")
        writeMeta(to: &writer)
      }
    }
    return writer.bytes
  }

  private func frame(
    _ method: StaticString, _ write: (inout JSONWriter) -> Void = { _ in }
  ) -> [UInt8] {
    var writer = JSONWriter()
    Frame.notification(method, into: &writer) { writer in
      writer.object { writer in
        writeMeta(to: &writer)
        write(&writer)
      }
    }
    return writer.bytes
  }

  private func writeMeta(to writer: inout JSONWriter) {
    writer.name("_meta")
    writer.object { writer in
      writer.name(text: MCPMeta.subscription)
      id.write(to: &writer)
    }
  }
}

extension Frame {
  /// A notification without params.
  fileprivate static func bare(_ method: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.object {
      $0.literal(#""jsonrpc":"2.0""#)
      $0.member("method", method)
    }
    return writer.bytes
  }
}
