import Basics
import JSON

/// Finds out which revision of the protocol a server speaks.
///
/// A server of the stateless era responds to `server/discover`. Everything else leads to `initialize`: an
/// error, no response in time, and a server that ends because of the unknown request.
struct MCPHandshake {
  /// What a server says about itself.
  struct Server {
    let revision: MCPRevision
    /// Its `Implementation`, if it gives one.
    let info: JSON?
    let capabilities: JSON?

    var announcesToolChanges: Bool { capabilities?["tools"]?["listChanged"]?.bool == true }
  }

  enum Outcome {
    case server(Server)
    /// It has ended when it was asked with `server/discover`.
    case ended(PluginFault)
  }

  /// The share of the start in which a server may respond to `server/discover`.
  private static let probeShare = 2
  private static let unsupportedVersion = -32022

  let folder: PluginFolder
  let peer: ChildPeer
  let deadline: Deadline

  /// - Parameter skipsProbe: whether the server has accepted `initialize` before.
  func run(skippingProbe skipsProbe: Bool) async throws(PluginFault) -> Outcome {
    if skipsProbe { return .server(try await initializedOrDiscovered()) }
    let milliseconds = deadline.remainingMilliseconds / Self.probeShare
    let answer = await ask(
      "server/discover", until: Deadline(inMilliseconds: milliseconds)
    ) { MCPRevision.latest.writeMeta(to: &$0) }
    switch answer {
    case .success(let json):
      if let server = Self.server(json) { return .server(server) }
      return .server(try await initialized())
    case .failure(.answer(let error)):
      try refuse(error)
      return .server(try await initialized())
    case .failure(.ended(let reason)): return .ended(PluginFault(["it \(reason)"]))
    case .failure(let error): throw error.fault(answering: "server/discover")
    // If it was only slow to start, it has read `server/discover` meanwhile.
    case nil: return .server(try await initializedOrDiscovered())
    }
  }

  private func initializedOrDiscovered() async throws(PluginFault) -> Server {
    if let server = try await initialize() { return server }
    return try await discover()
  }

  private func discover() async throws(PluginFault) -> Server {
    let json = try await result(of: "server/discover") { MCPRevision.latest.writeMeta(to: &$0) }
    guard let server = Self.server(json) else {
      throw PluginFault(["it supports none of the protocol versions of this host"])
    }
    return server
  }

  private static func server(_ json: JSON) -> Server? {
    let versions = json["supportedVersions"]?.elements.compactMap(\.string) ?? []
    guard versions.contains(MCPRevision.latest.rawValue) else { return nil }
    return Server(
      revision: .latest, info: json["_meta"]?["io.modelcontextprotocol/serverInfo"],
      capabilities: json["capabilities"])
  }

  /// A server that knows stateless versions only, but not this one.
  private func refuse(_ error: ChildError.Answer) throws(PluginFault) {
    guard error.code == Self.unsupportedVersion,
      let supported = error.data?["supported"]?.elements.compactMap(\.string),
      !supported.contains(where: { MCPRevision(rawValue: $0) != nil })
    else { return }
    throw PluginFault([
      "it supports the protocol versions \(supported.joined(separator: ", ").prefix(200)); this host "
        + "supports \(Self.knownVersions)"
    ])
  }

  private func initialized() async throws(PluginFault) -> Server {
    guard let server = try await initialize() else {
      throw PluginFault(["it accepts neither server/discover nor initialize"])
    }
    return server
  }

  /// - Returns: nil if the server speaks the stateless protocol.
  private func initialize() async throws(PluginFault) -> Server? {
    let answer = await ask("initialize", until: deadline) { writer in
      writer.member("protocolVersion", MCPRevision.latestWithHandshake.rawValue)
      writer.name("capabilities")
      writer.object { _ in }
      writer.name("clientInfo")
      MCPRevision.writeClient(to: &writer)
    }
    let json: JSON
    switch answer {
    case .success(let result): json = result
    case .failure(.answer(let error)) where error.code == Self.unsupportedVersion: return nil
    case .failure(let error): throw error.fault(answering: "initialize")
    case nil: throw timeout("initialize")
    }
    let version = json["protocolVersion"]?.string ?? ""
    guard let revision = MCPRevision(rawValue: version), !revision.isStateless else {
      throw PluginFault([
        "it speaks the protocol version \"\(version.prefix(40))\"; this host supports "
          + Self.knownVersions
      ])
    }
    peer.notify("notifications/initialized")
    return Server(
      revision: revision, info: json["serverInfo"], capabilities: json["capabilities"])
  }

  private static var knownVersions: String {
    MCPRevision.allCases.map(\.rawValue).joined(separator: ", ")
  }

  // MARK: Requests

  /// The result of a request before the deadline.
  ///
  /// - Parameter members: of the params.
  func result(
    of method: StaticString, _ members: @Sendable (inout JSONWriter) -> Void
  ) async throws(PluginFault) -> JSON {
    switch await ask(method, until: deadline, members) {
    case .success(let json): return json
    case .failure(let error): throw error.fault(answering: "\(method)")
    case nil: throw timeout(method)
    }
  }

  private func timeout(_ method: StaticString) -> PluginFault {
    let seconds = folder.description.limits.startSeconds
    return PluginFault(["it did not answer \(method) within \(seconds) s"])
  }

  private func ask(
    _ method: StaticString, until deadline: Deadline, _ members: (inout JSONWriter) -> Void
  ) async -> Result<JSON, ChildError>? {
    let answer = ChildAnswer()
    let id = peer.send(method, to: answer) { writer in writer.object { members(&$0) } }
    guard let id else { return .failure(.ended("does not read its stdin, or has ended")) }
    let result = await answer.wait(until: deadline)
    if result == nil { peer.forget(id) }
    return result
  }
}
