/// Why a text is not JSON, and the position of the error.
///
/// Safe to log: the reason never quotes the text.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable {
    case syntax
    /// Invalid UTF-8 inside a string (RFC 3629).
    case invalidUTF8
    /// More nested arrays and objects than `JSONLimits.depth`.
    case tooDeep
    /// More values than `JSONLimits.values`.
    case tooManyValues
  }

  public var code: Code
  /// A phrase without a full stop, such as "expected a comma or ]".
  public var reason: String
  /// Byte offset from the start of the text, from 0.
  public var offset: Int

  public var description: String { "\(reason) at byte \(offset)" }

  /// The line and column of `offset` in `text`, both from 1. A column counts bytes.
  public func lineAndColumn(in text: [UInt8]) -> (line: Int, column: Int) {
    let before = text.prefix(offset)
    let line = before.reduce(into: 1) { count, byte in if byte == 0x0A { count += 1 } }
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return (line, offset - lineStart + 1)
  }
}

/// Limits of a JSON parser.
public struct JSONLimits: Sendable {
  /// Maximum depth of nested arrays and objects.
  public var depth: Int
  /// Maximum number of values, including member names. Each uses 16 bytes of memory, so that a text of
  /// many small values costs several times its size.
  public var values: Int

  public init(depth: Int = 512, values: Int = 2_000_000) {
    self.depth = depth
    self.values = values
  }
}
