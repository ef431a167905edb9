import Engine
import JSON
import RPC

/// How client and host introduce themselves: `initialize`, and `server/discover` of 2026-07-28.
struct Introduction {
  private let engine: Engine
  private let options: MCPOptions

  init(_ engine: Engine, _ options: MCPOptions) {
    self.engine = engine
    self.options = options
  }

  /// Reads the params of `initialize`.
  ///
  /// - Returns: the client, with the revision that it asked for, or the latest one where that is
  ///   unknown or has no handshake.
  /// - Throws: -32602 for params that no client would send.
  static func caller(_ params: JSON?) throws(RPCError) -> MCPCaller {
    guard let version = params?["protocolVersion"]?.string else {
      throw MCPFault.invalid(
        "params.protocolVersion must be a revision, such as "
          + "\(MCPRevision.latestWithHandshake.rawValue).")
    }
    guard let capabilities = params?["capabilities"], capabilities.kind == .object else {
      throw MCPFault.invalid("params.capabilities must be an object.")
    }
    guard let client = params?["clientInfo"], client["name"]?.kind == .string,
      client["version"]?.kind == .string
    else {
      throw MCPFault.invalid("params.clientInfo must be an object with name and version.")
    }
    let asked = MCPRevision(rawValue: version)
    let revision = asked.flatMap { $0.isStateless ? nil : $0 } ?? .latestWithHandshake
    return MCPCaller(
      revision: revision,
      canElicit: revision.hasElicitation && MCPCaller.canElicit(capabilities))
  }

  func writeHandshake(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("protocolVersion", caller.revision.rawValue)
      writeCapabilities(to: &writer)
      writer.name("serverInfo")
      writer.implementation(for: caller)
      writer.member("instructions", instructions)
    }
  }

  func writeDiscovery(for caller: MCPCaller, to writer: inout JSONWriter) {
    // The instructions name the connections.
    writer.result(for: caller, caching: .lists) { writer in
      writer.name("supportedVersions")
      writer.array { writer in
        for revision in MCPRevision.allCases.reversed() { writer.string(revision.rawValue) }
      }
      writeCapabilities(to: &writer)
      writer.member("instructions", instructions)
    }
  }

  private func writeCapabilities(to writer: inout JSONWriter) {
    writer.name("capabilities")
    writer.literal(
      #"{"tools":{"listChanged":true},"resources":{},"prompts":{"listChanged":true}}"#)
  }

  /// What a model should know of all tools together.
  private var instructions: String {
    let titles = engine.catalogue.integrations.filter { integration in
      engine.connections.entries.contains {
        $0.open.connection.definition.integration == integration.id
      }
    }.map { "\($0.metadata.title)" }
    var sentences = [
      titles.isEmpty
        ? "Sallyport runs commands of security vendors. No connection is configured: the user starts "
          + "it with --connections FILE, or --sandbox to try it."
        : "Sallyport runs commands of \(titles.joined(separator: ", ")).",
      "A tool that fails says why and what to do. Where an outcome is unknown the vendor may have "
        + "acted: read before you try again.",
      "Rate limits are kept to by waiting. Large data comes as a file, which is a resource.",
    ]
    if options.catalogueMode == .compact {
      sentences.append(
        "Find a command with \(CompactTool.find.rawValue), read how it is called with "
          + "\(CompactTool.describe.rawValue), then run it with \(CompactTool.run.rawValue).")
    }
    if engine.options.isReadOnly { sentences.append("Only commands that read are offered.") }
    return sentences.joined(separator: " ")
  }
}
