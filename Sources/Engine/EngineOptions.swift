/// Options of one host for all its connections.
package struct EngineOptions: Sendable {
  /// Rejects all commands that change data.
  package var isReadOnly = false

  /// Maximum memory in bytes that the result of a command may use.
  package var maximumResultBytes = 64 * 1_024 * 1_024

  package init() {}
}
