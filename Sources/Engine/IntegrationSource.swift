import Basics
import IntegrationKit

/// Integrations that are not part of the executable, such as plugins. They are read when one of them
/// is first needed.
package protocol IntegrationSource: AnyObject, Sendable {
  /// The integrations that are known so far, in the order of their ids.
  var known: [RegisteredIntegration] { get }
  /// Differs after every change of `known`.
  var version: UInt64 { get }
  /// Whether all are known, or cannot be used. Never waits.
  var isComplete: Bool { get }
  /// Calls `body` after every change, from any thread.
  func reportChanges(_ body: @escaping @Sendable () -> Void)
  /// The integration with that id. Never waits.
  func find(_ id: String) -> IntegrationState
  /// Waits until an integration is known, or cannot be used.
  func load(_ id: String, until deadline: Deadline) async
  /// Blocks until that is so, for a bounded time.
  func load(_ id: String)
  /// Blocks until all integrations are known, or cannot be used, for a bounded time.
  func loadAll()
}

/// What is known of an integration that is not part of the executable.
package enum IntegrationState: Sendable {
  case known(RegisteredIntegration)
  /// It must be started first.
  case pending
  case unusable(CommandError)
  /// There is none with that id.
  case unknown
}
