import Basics
import JSON
import RPC

/// What one stream has to do with clients of the Model Context Protocol. Used by the reading thread
/// only, but for the dialogues.
final class AgentSession {
  /// Subscriptions at most.
  static let maximumSubscriptions = 256

  struct Subscribed {
    let subscription: MCPFront.Subscription
    let request: ActiveRequests.Request
  }

  let dialogues = Dialogues()
  let front: MCPFront
  var subscribed: [Subscribed] = []

  init(_ context: HostContext, _ audience: Audience) {
    front = MCPFront(context, dialogues, audience)
  }
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
      ) { [context] _ in call.frame(id, redactedBy: context.secrets) }
    case .ask(let run): ask(run, as: id, in: batch)
    case .listening(let subscription, let frame):
      guard agents.subscribed.count < AgentSession.maximumSubscriptions else {
        throw RPCError(
          .invalidRequest,
          "There are \(AgentSession.maximumSubscriptions) subscriptions; the limit is that.",
          data: nil)
      }
      // It takes none of the places of work.
      guard let request = active.begin(id) else {
        preconditionFailure("an id was taken between the check and the start")
      }
      agents.subscribed.append(
        AgentSession.Subscribed(subscription: subscription, request: request))
      say(frame)
    }
  }

  private func start(
    _ request: InvokeRequest, as id: RequestID, tool: ToolResult, in batch: BatchSink?
  ) {
    start(request, as: id, in: batch, tool: tool) { [output] active in
      tool.caller.progressToken.map { token in
        ToolEvents(token, of: tool.caller, to: output, for: active)
      }
    }
  }

  // MARK: Questions

  /// Asks the user, with the names of the targets as far as they can be found out.
  private func ask(_ run: MCPFront.ToolRun, as id: RequestID, in batch: BatchSink?) {
    guard var accepted = accept(id, failure: run.request.command.failure, in: batch) else { return }
    accepted.isSilentWhenCancelled = true
    let names = TargetNames(of: run, in: context)
    accepted.request.run(
      Task.detached { [accepted, output, dialogues = agents.dialogues, secrets = context.secrets] in
        let caller = run.result.caller
        let confirmation = Confirmation(
          request: run.request, names: await names?.read(for: accepted.request) ?? [:])
        if caller.revision.isStateless {
          let token = dialogues.token(for: run.request)
          return accepted.finish(
            secrets.redact(frame: confirmation.inputRequired(id, token: token, for: caller)),
            .success)
        }
        let asked = Dialogues.Asked(run: run, id: id, request: accepted.request)
        let command = run.request.command
        let opening = dialogues.open(asked) { question in
          let frame = confirmation.question(question, for: caller)
          output.append(secrets.redact(frame: frame) + [0x0A])
        }
        switch opening {
        case .asked: accepted.park()
        case .full: accepted.finish(run.result.frame(id, Confirmation.tooMany(command)), .error)
        case .ended, .cancelled:
          accepted.finish(run.result.frame(id, Confirmation.inputEnded(command)), .error)
        }
      })
  }

  /// Takes the answer to a question.
  ///
  /// - Returns: false for a response that nobody waits for.
  func settle(_ response: JSON) -> Bool {
    // Nothing begins after a shutdown; the question is then ended with the input.
    guard !isShuttingDown, let question = response["id"]?.string,
      let asked = agents.dialogues.close(question)
    else { return false }
    active.end(asked.request)
    // Cancelled while the question was on its way.
    if asked.request.cancelReason != nil { return true }
    do throws(RPCError) {
      let request = try confirmed(asked.run, by: response)
      start(request, as: asked.id, tool: asked.run.result, in: nil)
    } catch {
      answer(asked.run.result.frame(asked.id, error), .error, in: nil)
    }
    return true
  }

  /// What the user has agreed to, looked at again: the connection may have changed meanwhile.
  private func confirmed(
    _ run: MCPFront.ToolRun, by response: JSON
  ) throws(RPCError) -> InvokeRequest {
    let command = run.request.command
    guard response["error"] == nil, response["result"]?["action"]?.equals("accept") == true else {
      throw Confirmation.declined(command)
    }
    let request = try InvokeRequest(run.params, in: context)
    guard request.fingerprint == run.request.fingerprint else {
      throw Confirmation.refusal(
        command, "The connection has changed since the user was asked.", remedy: "Call it again.")
    }
    return request
  }

  /// The request will not be answered, and nothing more is sent for it.
  private func cancelQuietly(_ params: JSON?) {
    guard let id = params?["requestId"].flatMap({ RequestID($0) }), !id.isNull else { return }
    _ = active.cancel(id)
    dropCancelled()
  }

  /// Ends what waits for a user or for changes and has been cancelled.
  func dropCancelled() {
    for (question, asked) in agents.dialogues.closeCancelled() {
      active.end(asked.request)
      say(Confirmation.withdrawal(of: question))
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
    for asked in agents.dialogues.end() {
      active.end(asked.request)
      guard asked.request.cancelReason == nil else { continue }
      let error = Confirmation.inputEnded(asked.run.request.command)
      answer(asked.run.result.frame(asked.id, error), .error, in: nil)
    }
    for subscribed in agents.subscribed {
      active.end(subscribed.request)
      say(subscribed.subscription.end)
    }
    agents.subscribed = []
    flush()
  }
}
