import Basics
import Synchronization

/// Calls that cannot be handled yet, in the order of their lines, because something that they need is not
/// ready, such as the description of a plugin that is starting. Other calls overtake them.
///
/// Only the reading thread adds and removes calls. Any thread may cancel one.
final class KeptCalls: Sendable {
  struct Entry: Sendable {
    let call: Call
    /// The memory of its line.
    let bytes: Int
    /// When its line was read.
    let arrival: MonotonicTime
    let place: RequestPlace
    fileprivate(set) var isCancelled = false

    init(call: Call, bytes: Int, place: RequestPlace) {
      self.call = call
      self.bytes = bytes
      arrival = .now
      self.place = place
    }
  }

  /// The memory of a kept call in addition to its line.
  private static let ownBytes = 512

  private struct State {
    var entries: [Entry] = []
    var bytes = 0
  }

  private let maximumBytes: Int
  private let state = Mutex(State())

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  var count: Int { state.withLock { $0.entries.count } }

  func contains(_ id: RequestID) -> Bool {
    guard !id.isNull else { return false }
    return state.withLock { $0.entries.contains { $0.call.id == id } }
  }

  /// - Returns: false if there is no memory for it.
  func add(_ entry: Entry) -> Bool {
    state.withLock { state in
      let bytes = state.bytes + entry.bytes + Self.ownBytes
      guard bytes <= maximumBytes else { return false }
      state.entries.append(entry)
      state.bytes = bytes
      return true
    }
  }

  /// - Returns: whether a call with this id was kept.
  func cancel(_ id: RequestID) -> Bool {
    guard !id.isNull else { return false }
    return state.withLock { state in
      guard let position = state.entries.firstIndex(where: { $0.call.id == id }) else {
        return false
      }
      state.entries[position].isCancelled = true
      return true
    }
  }

  func removeAll() -> [Entry] {
    state.withLock { state in
      defer { (state.entries, state.bytes) = ([], 0) }
      return state.entries
    }
  }
}
