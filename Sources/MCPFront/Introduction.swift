import Engine
import JSON
import RPC

/// The handshake: `initialize`, and `server/discover` of 2026-07-28.
struct Introduction {
  private let engine: Engine
  private let options: MCPOptions

  init(_ engine: Engine, _ options: MCPOptions) {
    self.engine = engine
    self.options = options
  }

  /// Decodes the params of `initialize`.
  ///
  /// - Returns: the client with the requested revision. If that is unknown or has no handshake, the
  ///   latest one with a handshake.
  /// - Throws: -32602 for malformed params.
  static func caller(_ params: JSON?) throws(RPCError) -> MCPCaller {
    guard let version = params?["protocolVersion"]?.string else {
      throw MCPError.invalid(
        "params.protocolVersion must be a revision, such as "
          + "\(MCPRevision.latestWithHandshake.rawValue).")
    }
    guard let capabilities = params?["capabilities"], capabilities.kind == .object else {
      throw MCPError.invalid("params.capabilities must be an object.")
    }
    guard let client = params?["clientInfo"], client["name"]?.kind == .string,
      client["version"]?.kind == .string
    else {
      throw MCPError.invalid("params.clientInfo must be an object with name and version.")
    }
    let asked = MCPRevision(rawValue: version)
    let revision = asked.flatMap { $0.isStateless ? nil : $0 } ?? .latestWithHandshake
    return MCPCaller(
      revision: revision,
      canElicit: revision.hasElicitation && MCPCaller.canElicit(capabilities),
      client: AuditCaller.Client(client))
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

  /// Information for models about all tools.
  private var instructions: String {
    let titles = engine.catalogue.integrations.filter { integration in
      engine.connections.entries.contains {
        $0.open.connection.definition.integration == integration.id
      }
    }.map { "\($0.metadata.title)" }
    var sentences = [
      titles.isEmpty
        ? "Sallyport runs commands of security vendors. No connection is configured. The user must "
          + "start it with --connections FILE, or with --sandbox to try it."
        : "Sallyport runs commands of \(titles.joined(separator: ", ")).",
      "A failed tool reports the reason and what to do. If the outcome is unknown, the request may "
        + "have been applied: check before you retry.",
      "Calls wait for rate limits. Large data is stored as a file, which is a resource.",
    ]
    if options.catalogueMode == .compact {
      sentences.append(
        "Find a command with \(CompactTool.find.rawValue), read its parameters with "
          + "\(CompactTool.describe.rawValue), then run it with \(CompactTool.run.rawValue).")
    }
    if engine.options.isReadOnly { sentences.append("Only read commands are available.") }
    return sentences.joined(separator: " ")
  }
}
