import Basics
import Engine
import IntegrationKit
import JSON
import RPC

/// A command as a tool, with its connections.
struct Tool: Sendable {
  let integration: RegisteredIntegration
  let command: RegisteredCommand
  /// Active connections whose policy allows the command.
  let connections: [String]
  /// Whether the argument `connection` is required.
  let needsConnection: Bool

  var name: String { Self.name(integration.id, command.id) }
  var title: String { "\(integration.metadata.title): \(command.metadata.title)" }

  static func name(_ integration: String, _ command: String) -> String {
    "\(integration)__\(command)"
  }
}

extension Catalogue {
  /// The names of all tools, in the order of the catalogue.
  package func toolNames(
    where isIncluded: (RegisteredCommand) -> Bool = { _ in true }
  ) -> [String] {
    integrations.flatMap { integration in
      integration.commands.filter(isIncluded).map { Tool.name(integration.id, $0.id) }
    }
  }
}

/// The commands that are available as tools.
struct ToolCatalogue: Sendable {
  let engine: Engine
  let options: MCPOptions
  /// First pages by revision of the client, for one version of the connections.
  private let kept = KeptResults()

  init(_ engine: Engine, _ options: MCPOptions) {
    self.engine = engine
    self.options = options
  }

  /// The available tools, in the order of the catalogue. Without any connections, all tools, so that
  /// clients can list them before a connection is configured.
  func tools() -> [Tool] {
    engine.catalogue.loadAll()
    let entries = engine.connections.entries
    var tools: [Tool] = []
    for integration in engine.catalogue.integrations {
      let active = entries.filter {
        let definition = $0.open.connection.definition
        return definition.integration == integration.id && definition.isActive
      }
      guard !active.isEmpty || entries.isEmpty else { continue }
      for command in integration.commands where isOffered(command, of: integration) {
        let allowing = active.filter { $0.open.refusal(of: command) == nil }
        guard !allowing.isEmpty || entries.isEmpty else { continue }
        tools.append(
          Tool(
            integration: integration, command: command, connections: allowing.map(\.name),
            // As in invoke, it is optional if only one connection is active.
            needsConnection: active.count > 1))
      }
    }
    return tools
  }

  private func isOffered(
    _ command: RegisteredCommand, of integration: RegisteredIntegration
  ) -> Bool {
    if engine.options.isReadOnly && command.effect != .read { return false }
    return isSelected(Tool.name(integration.id, command.id))
  }

  private func isSelected(_ name: String) -> Bool {
    options.tools?.contains { Glob.matches($0, name) } ?? true
  }

  /// The command of a tool. Includes commands that no connection can run now, because the call reports
  /// the reason.
  func command(_ name: String) -> (RegisteredIntegration, RegisteredCommand)? {
    guard isSelected(name) else { return nil }
    if let separator = name.firstRange(of: "__") {
      engine.catalogue.load(String(name[..<separator.lowerBound]))
    }
    for integration in engine.catalogue.integrations {
      let prefix = integration.id + "__"
      guard name.hasPrefix(prefix) else { continue }
      let id = name.dropFirst(prefix.count)
      return integration.commands.first { $0.id == id }.map { (integration, $0) }
    }
    return nil
  }

  /// Whether a tool is a command of the executable. No plugin must be started to call it.
  func isBuiltIn(_ name: String) -> Bool {
    guard let separator = name.firstRange(of: "__") else { return false }
    return engine.catalogue.isBuiltIn(String(name[..<separator.lowerBound])) && command(name) != nil
  }

  /// The closest tool name.
  func suggestion(for name: String) -> String? {
    Suggestion.closest(to: name, among: tools().map(\.name) + CompactTool.allCases.map(\.rawValue))
  }

  /// The result of `tools/list`.
  ///
  /// - Parameter cursor: the name of the last tool of the page before.
  /// - Throws: -32602 for an unknown cursor.
  func list(after cursor: String?, for caller: MCPCaller) throws(RPCError) -> JSONFragment {
    guard cursor == nil else {
      var writer = JSONWriter(capacity: 4_096)
      try writeList(after: cursor, for: caller, to: &writer)
      return JSONFragment(trusted: writer.bytes)
    }
    return try kept.result(caller.revision.rawValue, version: version) {
      (writer: inout JSONWriter) throws(RPCError) in
      try writeList(after: nil, for: caller, to: &writer)
    }
  }

  /// Differs after every change of what the tools depend on.
  private var version: UInt64 {
    engine.connections.version &+ engine.catalogue.version << 32
  }

  private func writeList(
    after cursor: String?, for caller: MCPCaller, to writer: inout JSONWriter
  ) throws(RPCError) {
    if options.catalogueMode == .compact {
      guard cursor == nil else { throw MCPCursor.error }
      writer.result(for: caller, caching: .lists) { writer in
        writer.name("tools")
        writer.array { for tool in CompactTool.allCases { tool.write(for: caller, to: &$0) } }
      }
      return
    }
    let all = tools()
    var start = 0
    if let cursor {
      guard let last = all.firstIndex(where: { $0.name == cursor }) else {
        throw MCPError.invalid(
          "params.cursor must be the nextCursor of a list. The tools may have changed.")
      }
      start = last + 1
    }
    let page = all[start...].prefix(options.toolsPerPage)
    writer.result(for: caller, caching: .lists) { writer in
      writer.name("tools")
      writer.array { for tool in page { tool.write(for: caller, to: &$0) } }
      if page.endIndex < all.endIndex { writer.member(ifPresent: "nextCursor", page.last?.name) }
    }
  }
}
