import IntegrationKit

/// Options of one host for all its connections.
package struct EngineOptions: Sendable {
  /// Rejects all commands that change data.
  package var isReadOnly = false
  package var fences = Fences()

  /// Maximum memory in bytes that the result of a command may use.
  package var maximumResultBytes = ResultMemory.defaultResultBytes

  /// Where state is shared between processes; nil for none.
  package var stateDirectory: String?
  /// Where waits of invocations are noted; nil if nobody watches them.
  package var waits: Waits?

  package init() {}
}
