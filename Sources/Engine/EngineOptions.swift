/// Options of one host for all its connections.
package struct EngineOptions: Sendable {
  /// Rejects all commands that change data.
  package var isReadOnly = false
  package var fences = Fences()

  package init() {}
}
