import Synchronization

/// Results that change rarely, written once per key and version.
///
/// The caller bounds the number of keys. They are texts, because Swift needs long at the start of a
/// process to make a dictionary of another type.
public final class KeptResults: Sendable {
  private struct State {
    var version: UInt64 = 0
    var results: [String: JSONFragment] = [:]
  }

  private let state = Mutex(State())

  public init() {}

  /// The result of a key; written if it is not kept, or kept for another version.
  ///
  /// - Parameter version: of what the results depend on. Results of other versions are dropped.
  public func result<Failure: Error>(
    _ key: String, version: UInt64 = 0,
    write: (inout JSONWriter) throws(Failure) -> Void
  ) throws(Failure) -> JSONFragment {
    let kept = state.withLock { state in
      if state.version != version { state = State(version: version) }
      return state.results[key]
    }
    if let kept { return kept }
    var writer = JSONWriter(capacity: 4_096)
    try write(&writer)
    let result = JSONFragment(trusted: writer.bytes)
    state.withLock { state in
      if state.version == version { state.results[key] = result }
    }
    return result
  }
}
