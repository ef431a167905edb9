import Basics
import RPC

/// What one stream has to do with clients of the Model Context Protocol: the client itself, questions
/// to its user that are open, and subscriptions. Used by the reading thread only.
final class AgentSession {
  /// Questions and subscriptions that are open at most.
  static let maximumOpen = 256

  /// A tool call whose user has been asked.
  struct Asked {
    let run: MCPFront.ToolRun
    let id: RequestID
    let request: ActiveRequests.Request
  }

  struct Subscribed {
    let subscription: MCPFront.Subscription
    let request: ActiveRequests.Request
  }

  let front: MCPFront
  /// By the id of the question.
  var asked: [String: Asked] = [:]
  var subscribed: [Subscribed] = []

  init(_ context: HostContext) { front = MCPFront(context) }
}

extension RequestHandler {
  /// - Returns: false for a method of somebody else's.
  func perform(agentCall call: Call, as id: RequestID?, in batch: BatchSink?) -> Bool {
    if let method = MCPMethod(rawValue: call.method) {
      answer(method, call.params, as: id, in: batch)
      return true
    }
    guard id == nil, let notification = MCPNotification(rawValue: call.method) else { return false }
    if notification == .cancelled { cancelQuietly(call.params) }
    return true
  }

  private func answer(
    _ method: MCPMethod, _ params: JSON?, as id: RequestID?, in batch: BatchSink?
  ) {
    guard let id else {
      context.log.info(
        "\(method.rawValue) without an id was not done: nobody would have the answer")
      return
    }
    guard id.isStringOrInteger else {
      let sentence = "The id of \(method.rawValue) must be a string or an integer."
      return answer(.null, error: RPCError(.invalidRequest, sentence), in: batch)
    }
    do throws(RPCError) {
      let reply = try agents.front.reply(to: method, params, id: id, canAsk: batch == nil)
      try follow(reply, method, params, as: id, in: batch)
    } catch {
      answer(id, error: error, in: batch)
    }
  }

  private func follow(
    _ reply: MCPFront.Reply, _ method: MCPMethod, _ params: JSON?, as id: RequestID,
    in batch: BatchSink?
  ) throws(RPCError) {
    switch reply {
    case .result(let result): answer(id, result, isOwn: !method.echoesCaller, in: batch)
    case .failed(let frame): answer(frame, .error, in: batch)
    case .run(let request, let tool): start(request, as: id, tool: tool, in: batch)
    case .read(let call):
      startOnFiles(
        params, as: id, failure: method.failure, in: batch, isSilentWhenCancelled: true
      ) { [context] _ in call.frame(id, scrubbedBy: context.secrets) }
    case .asked(let run, let frame):
      let request = try open(id)
      let question = agents.front.lastQuestionID
      agents.asked[question] = AgentSession.Asked(run: run, id: id, request: request)
      say(context.secrets.scrub(frame: frame))
    case .listening(let subscription, let frame):
      agents.subscribed.append(
        AgentSession.Subscribed(subscription: subscription, request: try open(id)))
      say(frame)
    }
  }

  /// Keeps an id until its answer can be given, without one of the places of work.
  private func open(_ id: RequestID) throws(RPCError) -> ActiveRequests.Request {
    guard agents.asked.count + agents.subscribed.count < AgentSession.maximumOpen else {
      throw RPCError(
        .invalidRequest,
        "There are \(AgentSession.maximumOpen) open questions and subscriptions; the limit is that."
      )
    }
    guard let request = active.begin(id) else {
      preconditionFailure("an id was taken between the check and the start")
    }
    return request
  }

  private func start(
    _ request: InvokeRequest, as id: RequestID, tool: ToolResult, in batch: BatchSink?
  ) {
    start(request, as: id, in: batch, tool: tool) { [output] active in
      tool.caller.progressToken.map { token in
        ToolEvents(
          token, of: tool.caller, to: output, isCancelled: { active.cancelReason != nil })
      }
    }
  }

  // MARK: Questions

  /// Takes the answer to a question.
  ///
  /// - Returns: false for a response that nobody waits for.
  func settle(_ response: JSON) -> Bool {
    // Nothing begins after a shutdown; the question is then ended with the input.
    guard !isShuttingDown, let question = response["id"]?.string,
      let asked = agents.asked.removeValue(forKey: question)
    else { return false }
    active.end(asked.request)
    if response["result"]?["action"]?.equals("accept") == true {
      start(asked.run.request, as: asked.id, tool: asked.run.result, in: nil)
    } else {
      let error = Confirmation.declined(asked.run.request.command)
      answer(asked.run.result.frame(asked.id, error), .error, in: nil)
    }
    return true
  }

  /// The request will not be answered, and nothing more is sent for it.
  private func cancelQuietly(_ params: JSON?) {
    guard let id = params?["requestId"].flatMap({ RequestID($0) }), !id.isNull else { return }
    _ = active.cancel(id)
    dropCancelled()
  }

  /// Ends what waits for a user or for changes and has been cancelled.
  func dropCancelled() {
    for (question, asked) in agents.asked where asked.request.cancelReason != nil {
      agents.asked[question] = nil
      active.end(asked.request)
    }
    for subscribed in agents.subscribed where subscribed.request.cancelReason != nil {
      active.end(subscribed.request)
    }
    agents.subscribed.removeAll { $0.request.cancelReason != nil }
  }

  // MARK: Subscriptions

  func tellToolsChanged() {
    for frame in agents.front.changes() { say(frame) }
    for subscribed in agents.subscribed {
      for frame in subscribed.subscription.changes { say(frame) }
    }
  }

  /// Whether an error has no id rather than null where none is known.
  var leavesOutUnknownID: Bool { agents.front.lastCaller?.revision.hasErrorsWithoutID ?? false }

  /// The input has ended: nobody will answer questions any more.
  func finish() {
    for asked in agents.asked.values {
      active.end(asked.request)
      let error = Confirmation.refusal(
        asked.run.request.command, "The input ended before the user confirmed it.",
        remedy: "Send it again, and keep the input open until it is answered.")
      if asked.request.cancelReason == nil {
        answer(asked.run.result.frame(asked.id, error), .error, in: nil)
      }
    }
    for subscribed in agents.subscribed {
      active.end(subscribed.request)
      say(subscribed.subscription.end)
    }
    (agents.asked, agents.subscribed) = ([:], [])
    flush()
  }
}
