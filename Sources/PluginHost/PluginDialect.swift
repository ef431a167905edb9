import Basics
import IntegrationKit
import JSON

/// What a program speaks: how it is asked for what it can do, and what it may send by itself.
protocol PluginDialect: Sendable {
  /// Asks a program that has just started what it can do.
  func catalogue(
    of folder: PluginFolder, from peer: ChildPeer, until deadline: Deadline
  ) async throws(PluginFault) -> PluginCatalogue
  /// Answers a request of the program, now or later.
  func answer(_ request: ChildRequest, from peer: ChildPeer, log: Log)
  /// Takes a notification of the program. Called on its thread.
  func take(_ method: String, _ params: JSON?, from peer: ChildPeer)
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
    case .failure(.answer(let error)):
      throw PluginFault(
        ["it answered capabilities with the error \(error.code): \(error.message.prefix(500))"])
    case .failure(.tooLong): throw PluginFault(["its capabilities are too long"])
    case .failure(.malformed(let reason)): throw PluginFault([reason])
    case .failure(.ended(let reason)): throw PluginFault(["it \(reason)"])
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
}
