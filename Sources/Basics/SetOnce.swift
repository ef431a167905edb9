import Synchronization

/// A process-wide setting. It is set at most once, before the first read.
package final class SetOnce<Value: Sendable>: Sendable {
  private let stored = Mutex<Value?>(nil)

  package init() {}

  /// Nil if it was never set.
  package var value: Value? { stored.withLock { $0 } }

  package func set(_ value: Value) {
    stored.withLock { stored in
      precondition(stored == nil, "the setting is already set")
      stored = value
    }
  }
}
