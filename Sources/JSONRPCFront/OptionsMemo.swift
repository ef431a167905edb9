import Basics
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// Caches the most recently decoded options by their text. Callers often send the same options on
/// every line, and decoding them is a large part of the work per line.
final class OptionsMemo: Sendable {
  /// Larger options are not cached.
  private static let maximumBytes = 256

  private struct State {
    var text: [UInt8] = []
    var options = InvocationOptions.none
  }

  private let state = Mutex(State())

  /// - Throws: all problems. Problems are not cached.
  func options(_ json: JSON) throws(ParameterProblems) -> InvocationOptions {
    let known = state.withLock { state in
      Self.isEqual(json, state.text) ? state.options : nil
    }
    if let known { return known }
    let options = try InvocationOptions.shape.decode(json) { InvocationOptions(&$0) }
    let text = json.withSource { Array($0) }
    if text.count <= Self.maximumBytes {
      state.withLock { $0 = State(text: text, options: options) }
    }
    return options
  }

  private static func isEqual(_ json: JSON, _ text: [UInt8]) -> Bool {
    json.withSource { source in
      guard source.count == text.count, let base = source.baseAddress else { return false }
      return memcmp(base, text, text.count) == 0
    }
  }
}
