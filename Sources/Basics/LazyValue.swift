import Synchronization

/// A value that is created on first use, by any thread.
public final class LazyValue<Value: Sendable>: @unchecked Sendable {
  // @unchecked: `made` is written once, in the lock, before `isMade` is set.
  private let lock = Mutex(())
  private let isMade = Atomic(false)
  @exclusivity(unchecked) private var made: Value?
  private let make: @Sendable () -> Value

  public init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  public var value: Value {
    // Without the lock: hot paths read values that were made long before.
    if isMade.load(ordering: .acquiring), let made { return made }
    return lock.withLock { _ in
      if let made { return made }
      let value = make()
      made = value
      isMade.store(true, ordering: .releasing)
      return value
    }
  }
}
