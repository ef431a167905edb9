import Synchronization

/// A setting of the whole process, made at most once, before anything reads it.
package final class SetOnce<Value: Sendable>: Sendable {
  private let stored = Mutex<Value?>(nil)

  package init() {}

  /// Nil when it was never set.
  package var value: Value? { stored.withLock { $0 } }

  package func set(_ value: Value) {
    stored.withLock { stored in
      precondition(stored == nil, "a setting that is made twice")
      stored = value
    }
  }
}
