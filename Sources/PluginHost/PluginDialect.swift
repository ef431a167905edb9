import Basics
import Delivery
import IntegrationKit
import JSON

/// What a program speaks: how it describes itself, how it is called, and what it may send by itself.
///
/// All processes of a plugin share one.
protocol PluginDialect: Sendable {
  /// Asks a program that has just started to describe itself.
  func catalogue(
    of folder: PluginFolder, from peer: ChildPeer, until deadline: Deadline
  ) async throws(PluginFault) -> PluginCatalogue
  /// Whether a program that ended during its first start is started once more, to be asked in another
  /// way.
  func startsAgain(after peer: ChildPeer) -> Bool
  /// Compares what a program says about itself with its lock, or with what it said first.
  ///
  /// - Throws: why the program is not used.
  func accept(
    _ described: PluginCatalogue, lockedAs locked: PluginCatalogue, of folder: PluginFolder,
    from peer: ChildPeer
  ) throws(PluginFault)
  /// Answers a request of the program, now or later.
  func answer(_ request: ChildRequest, from peer: ChildPeer, log: Log)
  /// Takes a notification of the program. Called on its thread.
  func take(_ method: String, _ params: JSON?, from peer: ChildPeer)
  /// The program has ended.
  func ended(_ peer: ChildPeer)

  // MARK: Calls

  /// The request that a call would send; nil if only the program knows.
  func plan(of command: PluginCatalogue.Command, _ arguments: JSON, of plugin: Plugin)
    -> JSONFragment?
  /// Fails if the program may not run a command.
  func check(
    _ command: PluginCatalogue.Command, on peer: ChildPeer, in invocation: Invocation
  ) async throws(CommandError)
  /// Sends a call.
  ///
  /// - Returns: its id; nil if the program has ended or does not read its stdin.
  func send(_ call: PluginCall, to peer: ChildPeer) -> Int64?
  func cancel(_ id: Int64, on peer: ChildPeer)
  /// Whether a cancelled call gets a response.
  var respondsAfterCancel: Bool { get }
  /// The result of a call.
  func result(_ json: JSON, of call: PluginCall) async throws(CommandError) -> CommandResult
  /// The error of an error response.
  func error(_ answer: ChildError.Answer, of call: PluginCall) -> CommandError
}

extension PluginDialect {
  func startsAgain(after peer: ChildPeer) -> Bool { false }

  func accept(
    _ described: PluginCatalogue, lockedAs locked: PluginCatalogue, of folder: PluginFolder,
    from peer: ChildPeer
  ) throws(PluginFault) {
    let difference = PluginDifference(from: locked.source, to: described.source)
    if !difference.isEmpty { throw difference.fault(of: folder) }
  }

  func ended(_ peer: ChildPeer) {}

  func plan(
    of command: PluginCatalogue.Command, _ arguments: JSON, of plugin: Plugin
  ) -> JSONFragment? { nil }

  func check(
    _ command: PluginCatalogue.Command, on peer: ChildPeer, in invocation: Invocation
  ) async throws(CommandError) {}

  var respondsAfterCancel: Bool { true }
}

extension ChildError.Answer {
  /// What an author may have forgotten.
  fileprivate func hint(after method: String) -> String {
    code == -32601 && method == "capabilities"
      ? " (plugin.json of an MCP server must have \"protocol\":\"mcp\")" : ""
  }
}

extension ChildError {
  /// Why a program could not be used, because of the response to a request.
  func fault(answering method: String) -> PluginFault {
    switch self {
    case .answer(let error):
      PluginFault([
        "it answered \(method) with the error \(error.code): "
          + "\((error.data?["message"]?.string ?? error.message).prefix(500))\(error.hint(after: method))"
      ])
    case .tooLong: PluginFault(["its response to \(method) is too long"])
    case .malformed(let reason): PluginFault([reason])
    case .ended(let reason): PluginFault(["it \(reason)"])
    }
  }
}

/// The protocol of this host, with the program as the callee.
struct SallyportDialect: PluginDialect {
  func catalogue(
    of folder: PluginFolder, from peer: ChildPeer, until deadline: Deadline
  ) async throws(PluginFault) -> PluginCatalogue {
    let answer = ChildAnswer()
    let id = peer.send("capabilities", to: answer) { writer in
      writer.object { $0.member("integration", folder.id) }
    }
    guard id != nil else { throw PluginFault(["it does not read its stdin, or has ended"]) }
    guard let result = await answer.wait(until: deadline) else {
      let seconds = folder.description.limits.startSeconds
      throw PluginFault(["it did not answer capabilities within \(seconds) s"])
    }
    switch result {
    case .success(let json):
      guard let integrations = json["integrations"], integrations.kind == .array,
        let integration = integrations[0]
      else {
        throw PluginFault(["its capabilities have no element of \"integrations\""])
      }
      return try PluginCatalogue(integration, of: folder.id)
    case .failure(let error): throw error.fault(answering: "capabilities")
    }
  }

  func answer(_ request: ChildRequest, from peer: ChildPeer, log: Log) {
    Broker.answer(request, from: peer, log: log)
  }

  func take(_ method: String, _ params: JSON?, from peer: ChildPeer) {
    guard let id = params?["id"]?.integer, let call = peer.waiter(id) as? PluginCall else { return }
    switch method {
    case "invoke/item":
      let items = params?["items"].map { Array($0.elements) } ?? params?["item"].map { [$0] } ?? []
      if !items.isEmpty { call.add(.items(items), bytes: params?.documentBytes ?? 0) }
    case "invoke/progress":
      guard let done = params?["done"]?.integer, let total = params?["total"]?.integer else {
        return
      }
      call.add(.progress(done: Int(clamping: done), total: Int(clamping: total)), bytes: 64)
    default: break
    }
  }

  // MARK: Calls

  func send(_ call: PluginCall, to peer: ChildPeer) -> Int64? {
    peer.send("invoke", to: call) { writer in
      writer.object { writer in
        writer.member("integration", call.plugin.id)
        writer.member("command", call.command.id)
        writer.name("connection")
        writer.object {
          $0.member("integration", call.plugin.id)
          $0.name("settings")
          call.client.writeSettings(to: &$0, values: call.secretValues)
        }
        writer.name("arguments")
        writer.value(call.arguments)
        writer.name("options")
        writeOptions(of: call.invocation, to: &writer)
      }
    }
  }

  private func writeOptions(of invocation: Invocation, to writer: inout JSONWriter) {
    let options = invocation.options
    writer.object { writer in
      writer.member("timeout_ms", max(1, invocation.deadline.current.remainingMilliseconds))
      if options.stream { writer.member("stream", true) }
      if options.stream || options.progress { writer.member("progress", true) }
      if options.allPages { writer.member("all_pages", true) }
      if options.dryRun { writer.member("dry_run", true) }
      writer.member(ifPresent: "traceparent", invocation.traceparent)
    }
  }

  func cancel(_ id: Int64, on peer: ChildPeer) {
    peer.sendAndForget("cancel") { $0.object { $0.member("id", Int(id)) } }
  }

  func result(_ json: JSON, of call: PluginCall) async throws(CommandError) -> CommandResult {
    try await PluginResult(json, of: call.command, call.plugin.id).result(in: call.invocation)
  }

  func error(_ answer: ChildError.Answer, of call: PluginCall) -> CommandError {
    PluginResult.error(
      answer, of: call.plugin.id, in: call.invocation, outcome: call.outcome)
  }
}
