import Basics
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// The options that were decoded last, by their text: callers tend to send the same ones line after
/// line, and reading them is a good part of the work for a line.
final class OptionsMemo: Sendable {
  /// Bytes of options that are worth keeping.
  private static let maximumBytes = 256

  private struct State {
    var text: [UInt8] = []
    var options = InvocationOptions.none
  }

  private let state = Mutex(State())

  /// - Throws: every fault at once; faults are not remembered.
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
