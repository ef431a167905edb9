import IntegrationKit

/// The options for agents and editors.
package struct MCPOptions: Sendable {
  /// When to ask the user before a command runs. If the client cannot ask, the command is rejected.
  package enum Confirmation: String, CaseIterable, Sendable {
    /// Before every command that changes data.
    case always
    /// Before every command that is destructive or sensitive.
    case destructive
    case never
  }

  package enum CatalogueMode: String, CaseIterable, Sendable {
    /// One tool per command.
    case full
    /// Three tools to find, describe and run commands, for models with a small context.
    case compact
  }

  /// Globs for tool names, such as `gmail__*`; nil for all tools.
  package var tools: [String]?
  package var confirmation = Confirmation.destructive
  package var catalogueMode = CatalogueMode.full
  /// Tools per page of `tools/list`. Many clients read only the first page.
  package var toolsPerPage = 200
  /// Maximum size of a tool result in bytes. Larger data is stored as a file.
  package var maximumResultBytes = 65_536

  /// Timeout of a tool call in seconds, including waits for rate limits; nil for none.
  package var timeoutSeconds: Int?

  package init() {}
}
