/// Why a text is not JSON, and where.
///
/// The reason is safe to log: it never quotes the text.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable {
    case syntax
    /// A byte sequence inside a string is not UTF-8 (RFC 3629).
    case invalidUTF8
    /// More nested arrays and objects than `JSONLimits.depth`.
    case tooDeep
    /// More values than `JSONLimits.values`.
    case tooManyValues
  }

  public var code: Code
  /// A sentence fragment without a full stop, such as "expected a comma or ]".
  public var reason: String
  /// Bytes from the start of the text, from 0.
  public var offset: Int

  public var description: String { "\(reason) at byte \(offset)" }

  /// The line and column, both from 1, of `offset` in `text`; a column counts bytes.
  public func lineAndColumn(in text: [UInt8]) -> (line: Int, column: Int) {
    let before = text.prefix(offset)
    let line = before.reduce(into: 1) { count, byte in if byte == 0x0A { count += 1 } }
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return (line, offset - lineStart + 1)
  }
}

/// What a reader of JSON accepts.
public struct JSONLimits: Sendable {
  /// Nested arrays and objects.
  public var depth: Int
  /// Values of every kind, member names included. Each takes 16 bytes of memory.
  public var values: Int

  public init(depth: Int = 512, values: Int = 8_000_000) {
    self.depth = depth
    self.values = values
  }
}
