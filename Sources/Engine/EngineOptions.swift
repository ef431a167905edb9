/// Rules of one host for all its connections.
package struct EngineOptions: Sendable {
  /// Refuse every command that changes something, on every connection.
  package var isReadOnly = false

  package init() {}
}
