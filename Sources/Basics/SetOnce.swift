import Synchronization

/// A setting of the whole process, made at most once, before anything reads it.
public final class SetOnce<Value: Sendable>: Sendable {
  private let stored = Mutex<Value?>(nil)

  public init() {}

  /// Nil when it was never set.
  public var value: Value? { stored.withLock { $0 } }

  public func set(_ value: Value) {
    stored.withLock { stored in
      precondition(stored == nil, "a setting that is made twice")
      stored = value
    }
  }
}
