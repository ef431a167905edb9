import Synchronization

/// Counts what concurrent tasks have finished.
final class TaskCounter: Sendable {
  private let count = Atomic(0)

  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
