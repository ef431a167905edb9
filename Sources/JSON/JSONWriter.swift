import Basics

/// Writes JSON into a byte buffer, on one line.
///
/// Stateless: the last byte decides whether a comma is needed. No comma follows an opening bracket,
/// a colon or a line end, or starts the output.
public struct JSONWriter: ~Copyable, Sendable {
  @usableFromInline var output: ByteBuffer

  public init(capacity: Int = 256) { output = ByteBuffer(capacity: capacity) }

  /// A copy of the output.
  public var bytes: [UInt8] { output.array }

  /// The output, without a copy. Ends the writer.
  public consuming func share() -> SharedBytes { output.share() }

  /// Calls `body` with the output, which is valid only during the call.
  @inline(__always)
  public borrowing func withBytes<Result: ~Copyable>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    try output.withBytes(body)
  }

  public mutating func removeAll() { output.truncate(to: 0) }

  /// The number of bytes so far.
  public var count: Int { output.count }

  /// Drops the bytes after the first `count`.
  public mutating func truncate(to count: Int) { output.truncate(to: count) }

  // MARK: Containers

  @inline(__always)
  public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    openObject()
    try body(&self)
    closeObject()
  }

  @inline(__always)
  public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
    openArray()
    try body(&self)
    closeArray()
  }

  public mutating func openObject() {
    separate()
    output.append(UInt8(ascii: "{"))
  }

  public mutating func closeObject() { output.append(UInt8(ascii: "}")) }

  public mutating func openArray() {
    separate()
    output.append(UInt8(ascii: "["))
  }

  public mutating func closeArray() { output.append(UInt8(ascii: "]")) }

  // MARK: Names

  /// A member name known at compile time. It must not need escapes.
  public mutating func name(_ name: StaticString) {
    output.appendName(name, afterComma: needsComma)
  }

  public mutating func name(text: String) {
    string(text)
    endName()
  }

  public mutating func name(copying name: JSON) {
    value(name)
    endName()
  }

  /// Turns the string that was just written into a member name.
  public mutating func endName() { output.append(UInt8(ascii: ":")) }

  // MARK: Values

  public mutating func string(_ text: String) {
    separate()
    text.withUTF8Bytes { JSONString.encode($0, into: &output) }
  }

  /// A text known at compile time. It must not need escapes.
  public mutating func string(literal text: StaticString) {
    separate()
    output.append(UInt8(ascii: "\""))
    output.append(text)
    output.append(UInt8(ascii: "\""))
  }

  /// The 32 hexadecimal digits of two numbers.
  public mutating func string(hex words: (UInt64, UInt64)) {
    separate()
    output.append(UInt8(ascii: "\""))
    output.append(hex: words.0)
    output.append(hex: words.1)
    output.append(UInt8(ascii: "\""))
  }

  /// Bytes that should be UTF-8. Invalid sequences become U+FFFD.
  public mutating func string(utf8 text: ArraySlice<UInt8>) {
    string(String(decoding: text, as: UTF8.self))
  }

  /// A string of a text, a blank line, and the text of a JSON value.
  public mutating func string(_ text: String, followedBy value: JSONFragment) {
    separate()
    output.append(UInt8(ascii: "\""))
    text.withUTF8Bytes { JSONString.encodeContent($0, into: &output) }
    output.append(#"\n\n"#)
    // A writer wrote it: only quotes and backslashes are left to escape.
    output.appendEscapingQuotes(value.bytes)
    output.append(UInt8(ascii: "\""))
  }

  public mutating func integer(_ value: Int64) {
    separate()
    DecimalDigits.append(value, to: &output)
  }

  public mutating func integer(_ value: Int) { integer(Int64(value)) }

  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  public mutating func null() { literal("null") }

  /// - Precondition: `value` is finite. JSON has no infinity and no NaN.
  public mutating func double(_ value: Double) {
    precondition(value.isFinite, "JSON has no infinity")
    separate()
    output.append(Array(value.description.utf8))
  }

  /// JSON from a source literal, on one line: a value, or members, of which the last may be a name only.
  @inlinable @inline(__always)
  public mutating func literal(_ text: StaticString) {
    separate()
    output.append(text)
  }

  /// A parsed value as its source text, without line breaks.
  public mutating func value(_ json: JSON) {
    separate()
    if json.document.hasLineBreaks {
      copyTokens(json)
    } else {
      json.withSource { output.append($0) }
    }
  }

  /// One complete value on one line, which is known to be JSON.
  public mutating func value(trusted text: String) {
    separate()
    text.withUTF8Bytes { output.append($0) }
  }

  /// One complete value that another writer wrote.
  public mutating func value(_ fragment: JSONFragment) {
    separate()
    output.append(fragment.bytes)
  }

  /// Bytes from a writer: one complete value.
  public mutating func value(trusted bytes: UnsafeBufferPointer<UInt8>) {
    separate()
    output.append(bytes)
  }

  // MARK: Members

  public mutating func member(_ name: StaticString, _ text: String) {
    self.name(name)
    string(text)
  }

  public mutating func member(_ name: StaticString, _ value: Int) {
    self.name(name)
    integer(Int64(value))
  }

  public mutating func member(_ name: StaticString, _ value: Bool) {
    self.name(name)
    bool(value)
  }

  public mutating func member(_ name: StaticString, _ json: JSON) {
    self.name(name)
    value(json)
  }

  public mutating func member(_ name: StaticString, _ fragment: JSONFragment) {
    self.name(name)
    value(fragment)
  }

  /// A member that is omitted if `text` is nil.
  public mutating func member(ifPresent name: StaticString, _ text: String?) {
    if let text { member(name, text) }
  }

  // MARK: Bytes

  /// Whether the next value needs a comma before it.
  @inlinable @inline(__always)
  var needsComma: Bool {
    switch output.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), 0x0A: false
    default: true
    }
  }

  @inlinable @inline(__always)
  mutating func separate() {
    if needsComma { output.append(UInt8(ascii: ",")) }
  }

  /// Copies the value without line breaks between tokens and with line separators escaped.
  private mutating func copyTokens(_ json: JSON) {
    switch json.kind {
    case .object:
      output.append(UInt8(ascii: "{"))
      for member in json.members {
        name(copying: member.name)
        value(member.value)
      }
      output.append(UInt8(ascii: "}"))
    case .array:
      output.append(UInt8(ascii: "["))
      for element in json.elements { value(element) }
      output.append(UInt8(ascii: "]"))
    case .string:
      json.withSource { JSONString.copyEscapingSeparators($0, into: &output) }
    default:
      json.withSource { output.append($0) }
    }
  }

  /// Appends a line end.
  public mutating func endLine() { output.append(0x0A) }
}

/// One complete JSON value, written on one line.
public struct JSONFragment: Sendable, Equatable {
  public let bytes: [UInt8]

  public init(_ write: (inout JSONWriter) throws -> Void) rethrows {
    var writer = JSONWriter()
    try write(&writer)
    bytes = writer.bytes
  }

  public init(_ json: JSON) {
    if json.document.hasLineBreaks {
      self.init { $0.value(json) }
    } else {
      self.init(trusted: json.withSource(Array.init))
    }
  }

  /// Bytes from a writer: one complete value.
  public init(trusted bytes: [UInt8]) { self.bytes = bytes }

  public static let null = JSONFragment { $0.null() }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The value, parsed.
  public var json: JSON {
    JSON.trusting { limits throws(JSONError) in try .parse(bytes, limits: limits) }
  }
}

extension JSON {
  /// Parses bytes from a writer: one complete value.
  public init(trusted bytes: UnsafeBufferPointer<UInt8>) {
    self = JSON.trusting { limits throws(JSONError) in try .parse(bytes, limits: limits) }
  }

  fileprivate static func trusting(_ parse: (JSONLimits) throws(JSONError) -> JSON) -> JSON {
    do throws(JSONError) {
      return try parse(JSONLimits(depth: 1_024, values: .max))
    } catch {
      preconditionFailure("a writer produced invalid JSON: \(error)")
    }
  }
}
