import Basics
import Delivery
import IntegrationKit
import JSON
import Synchronization

/// The Model Context Protocol, with the program as a server on stdio. Its tools are the commands.
final class MCPDialect: PluginDialect {
  private struct State {
    /// By the program that it is of.
    var sessions: [ObjectIdentifier: MCPSession] = [:]
    /// Whether the server has accepted `initialize`. Many servers log an error for `server/discover`.
    var skipsProbe = false
    /// A program that has ended because of `server/discover`.
    var endedByProbe: ObjectIdentifier?
  }

  /// Pages of the list of tools at most.
  private static let maximumPages = 100
  private static let maximumTools = 1_000

  private let folder: PluginFolder
  private let state = Mutex(State())

  init(_ folder: PluginFolder) { self.folder = folder }

  private func session(_ peer: ChildPeer) -> MCPSession? {
    state.withLock { $0.sessions[ObjectIdentifier(peer)] }
  }

  func ended(_ peer: ChildPeer) {
    state.withLock { _ = $0.sessions.removeValue(forKey: ObjectIdentifier(peer)) }
  }

  // MARK: Starting

  func catalogue(
    of folder: PluginFolder, from peer: ChildPeer, until deadline: Deadline
  ) async throws(PluginFault) -> PluginCatalogue {
    let handshake = MCPHandshake(folder: folder, peer: peer, deadline: deadline)
    let server: MCPHandshake.Server
    switch try await handshake.run(skippingProbe: state.withLock { $0.skipsProbe }) {
    case .server(let known):
      if !known.revision.isStateless { state.withLock { $0.skipsProbe = true } }
      server = known
    case .ended(let fault):
      state.withLock { $0.endedByProbe = ObjectIdentifier(peer) }
      throw fault
    }
    let session = MCPSession(server)
    state.withLock { $0.sessions[ObjectIdentifier(peer)] = session }
    let catalogue: PluginCatalogue
    do throws(PluginFault) {
      catalogue = try await self.catalogue(of: server, handshake)
    } catch {
      ended(peer)
      throw error
    }
    if server.revision.isStateless, server.announcesToolChanges {
      listen(to: peer, server.revision)
    }
    return catalogue
  }

  func startsAgain(after peer: ChildPeer) -> Bool {
    state.withLock { state in
      guard state.endedByProbe == ObjectIdentifier(peer), !state.skipsProbe else { return false }
      state.skipsProbe = true
      return true
    }
  }

  func accept(
    _ described: PluginCatalogue, lockedAs locked: PluginCatalogue, of folder: PluginFolder,
    from peer: ChildPeer
  ) throws(PluginFault) {
    guard let session = session(peer) else { return }
    session.setLock(locked)
    guard let difference = session.compare(described) else { return }
    guard difference.changes.allSatisfy({ $0.command != nil }) else {
      throw difference.fault(of: folder)
    }
    log(difference, of: peer)
  }

  private func catalogue(
    of server: MCPHandshake.Server, _ handshake: MCPHandshake
  ) async throws(PluginFault) -> PluginCatalogue {
    let list = try await tools(of: server.revision, handshake)
    let catalogue = try MCPCatalogue(list, of: server, in: folder)
    for line in catalogue.leftOut { handshake.peer.logLine { line } }
    return try PluginCatalogue(catalogue.integration, of: folder.id)
  }

  /// All pages of the list of tools.
  private func tools(
    of revision: MCPRevision, _ handshake: MCPHandshake
  ) async throws(PluginFault) -> [JSON] {
    var tools: [JSON] = []
    var cursor: String?
    for _ in 0..<Self.maximumPages {
      let current = cursor
      let page = try await handshake.result(of: "tools/list") {
        $0.member(ifPresent: "cursor", current)
        revision.writeMeta(to: &$0)
      }
      guard let list = page["tools"], list.kind == .array else {
        throw PluginFault(["/tools: is required and must be an array"])
      }
      tools += list.elements
      guard tools.count <= Self.maximumTools else {
        throw PluginFault(["it has more than \(Self.maximumTools) tools"])
      }
      cursor = page["nextCursor"]?.string
      guard let cursor else { return tools }
      guard cursor != current else {
        throw PluginFault(["the pages of its tools repeat the cursor \(cursor.prefix(100))"])
      }
    }
    throw PluginFault(["its tools have more than \(Self.maximumPages) pages"])
  }

  // MARK: Changes

  /// Asks a stateless server to say when its tools change.
  private func listen(to peer: ChildPeer, _ revision: MCPRevision) {
    peer.sendAndForget("subscriptions/listen") { writer in
      writer.object { writer in
        revision.writeMeta(to: &writer)
        writer.name("notifications")
        writer.object { $0.member("toolsListChanged", true) }
      }
    }
  }

  private func log(_ difference: PluginDifference, of peer: ChildPeer) {
    guard !difference.isEmpty else { return }
    peer.logLine {
      "its tools have changed (\(difference.lines.joined(separator: "; "))); they are refused until "
        + "sallyport plugin lock \(folder.path) is run and the host starts again"
    }
  }

  private func lookAgain(at peer: ChildPeer, _ session: MCPSession) {
    guard session.announce() else { return }
    Task.detached { [self] in
      var covered: Int
      repeat {
        covered = session.beginLook()
        await look(at: peer, session)
      } while session.endLook(covered)
    }
  }

  private func look(at peer: ChildPeer, _ session: MCPSession) async {
    let seconds = Int(folder.description.limits.startSeconds)
    let handshake = MCPHandshake(
      folder: folder, peer: peer, deadline: Deadline(inMilliseconds: seconds * 1_000))
    do throws(PluginFault) {
      let described = try await catalogue(of: session.server, handshake)
      if let difference = session.compare(described) { log(difference, of: peer) }
    } catch {
      // Which of its tools may be called is not known any more.
      guard self.session(peer) != nil else { return }
      peer.kill(because: "cannot list its tools any more: \(error.text)")
    }
  }

  // MARK: What the server sends

  func answer(_ request: ChildRequest, from peer: ChildPeer, log: Log) {
    switch request.method {
    case "ping": request.result { $0.object { _ in } }
    case "roots/list":
      request.result { writer in
        writer.object {
          $0.name("roots")
          $0.array { _ in }
        }
      }
    case "sampling/createMessage", "elicitation/create":
      request.error(-32601, "This host asks no model and no user for an MCP server.")
    default: request.error(-32601, "Method not found.")
    }
  }

  func take(_ method: String, _ params: JSON?, from peer: ChildPeer) {
    switch method {
    case "notifications/progress":
      guard let token = params?["progressToken"]?.integer,
        let call = peer.waiter(token) as? PluginCall,
        let progress = MCPProgress(params)
      else { return }
      call.add(.progress(done: progress.done, total: progress.total), bytes: 64)
    case "notifications/tools/list_changed":
      if let session = session(peer) { lookAgain(at: peer, session) }
    case "notifications/message":
      let level = MCPProgress.logLevel(params?["level"]?.string)
      peer.logLine(level) {
        params?["data"].map { $0.string ?? JSONFragment($0).text } ?? ""
      }
    default: break
    }
  }

  // MARK: Calls

  func plan(
    of command: PluginCatalogue.Command, _ arguments: JSON, of plugin: Plugin
  ) -> JSONFragment? {
    let tool = command.tool ?? command.id
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("method", "tools/call")
        writer.member("url", "mcp:\(plugin.id)/\(tool)")
        writer.name("headers")
        writer.object { _ in }
        writer.name("body")
        writer.value(arguments)
      }
    }
  }

  func check(
    _ command: PluginCatalogue.Command, on peer: ChildPeer, in invocation: Invocation
  ) async throws(CommandError) {
    guard let session = session(peer) else { return }
    guard await session.settled(until: invocation.deadline.current) else {
      throw invocation.stopped("Looking at the tools of \(folder.id)", outcome: .notApplied)
    }
    guard let change = session.change(of: command.id) else { return }
    throw CommandError(
      .policy,
      "The tool \(command.tool ?? command.id) of the plugin \(folder.id) has changed since it was "
        + "locked or first described: \(change).",
      remedy: "Check the change. Then run sallyport plugin lock \(folder.path) and start the host "
        + "again.")
  }

  func send(_ call: PluginCall, to peer: ChildPeer) -> Int64? {
    guard let session = session(peer) else { return nil }
    return peer.send(
      "tools/call", to: call,
      paramsWithID: { writer, id in
        writer.object { writer in
          writer.member("name", call.command.tool ?? call.command.id)
          writer.name("arguments")
          writer.value(call.arguments)
          session.revision.writeMeta(
            to: &writer, progressToken: id, traceparent: call.invocation.traceparent)
        }
      })
  }

  func cancel(_ id: Int64, on peer: ChildPeer) {
    peer.notify("notifications/cancelled") { writer in
      writer.object {
        $0.member("requestId", Int(id))
        $0.member("reason", "The caller does not wait any longer.")
      }
    }
  }

  var respondsAfterCancel: Bool { false }

  func result(_ json: JSON, of call: PluginCall) async throws(CommandError) -> CommandResult {
    try await MCPToolResult(json, of: call).result()
  }

  func error(_ answer: ChildError.Answer, of call: PluginCall) -> CommandError {
    MCPToolResult.error(answer, of: call)
  }
}
