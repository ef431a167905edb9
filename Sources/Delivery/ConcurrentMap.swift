import Synchronization

/// Runs `work` per element, at most `limit` at a time, and starts them in order.
///
/// - Parameter isLast: after a result for which it is true, no further element is started.
/// Inlinable, so that it is compiled for the types of each caller.
///
/// - Returns: the results in the order of the elements; nil per element that was not started.
@inlinable
package func concurrentMap<Element: Sendable, Value: Sendable>(
  _ elements: [Element], limit: Int,
  stoppingAfter isLast: @escaping @Sendable (Value) -> Bool = { _ in false },
  _ work: @escaping @Sendable (Element) async -> Value
) async -> [Value?] {
  let progress = MapProgress<Value>(count: elements.count)
  await withTaskGroup { group in
    for _ in 0..<min(limit, elements.count) {
      group.addTask {
        while let position = progress.next() {
          let value = await work(elements[position])
          progress.store(value, at: position, isLast: isLast(value))
        }
      }
    }
  }
  return progress.results
}

@usableFromInline
final class MapProgress<Value: Sendable>: Sendable {
  @usableFromInline
  struct State {
    @usableFromInline var results: [Value?]
    @usableFromInline var started = 0
    @usableFromInline var isStopped = false

    @inlinable
    init(results: [Value?]) { self.results = results }
  }

  @usableFromInline let state: Mutex<State>

  @inlinable
  init(count: Int) { state = Mutex(State(results: Array(repeating: nil, count: count))) }

  @inlinable var results: [Value?] { state.withLock { $0.results } }

  @inlinable
  func next() -> Int? {
    state.withLock { state in
      guard !state.isStopped, state.started < state.results.count else { return nil }
      defer { state.started += 1 }
      return state.started
    }
  }

  @inlinable
  func store(_ value: Value, at position: Int, isLast: Bool) {
    state.withLock { state in
      state.results[position] = value
      if isLast { state.isStopped = true }
    }
  }
}
