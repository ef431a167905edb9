import IntegrationKit

/// How the host presents itself to agents and editors.
package struct MCPOptions: Sendable {
  /// When the user is asked before a command runs.
  package enum Confirmation: String, CaseIterable, Sendable {
    /// Before every command that changes something; where the client cannot ask, it is refused.
    case always
    /// Before every destructive command, where the client can ask.
    case destructive
    case never
  }

  package enum CatalogueMode: String, CaseIterable, Sendable {
    /// A tool for each command.
    case full
    /// Three tools to find, describe and run commands, for models with little context.
    case compact
  }

  /// Globs over the names of tools, such as `gmail__*`; nil offers all.
  package var tools: [String]?
  package var confirmation = Confirmation.destructive
  package var catalogueMode = CatalogueMode.full
  /// Tools on one page of `tools/list`. Many clients read the first page only.
  package var toolsPerPage = 200
  /// Bytes of JSON of one tool result, before its data becomes a file.
  package var maximumResultBytes = 65_536

  /// Seconds for one call of a tool, waits for rate limits and all; nil for as long as it takes.
  package var timeoutSeconds: Int?

  package init() {}
}
