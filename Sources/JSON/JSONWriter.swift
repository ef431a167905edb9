import Basics

/// Writes JSON into bytes, on one line.
///
/// Commas are placed by looking at the last byte, so that there is no state to keep: after an
/// opening bracket, a colon, a line end or nothing comes no comma.
public struct JSONWriter: ~Copyable, Sendable {
  private var output: ByteBuffer

  public init(capacity: Int = 256) { output = ByteBuffer(capacity: capacity) }

  /// A copy of what was written.
  public var bytes: [UInt8] { output.array }

  /// Calls `body` with what was written, which is valid only during the call.
  @inline(__always)
  public borrowing func withBytes<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    try output.withBytes(body)
  }

  public mutating func removeAll() { output.truncate(to: 0) }

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

  /// A member name known at compile time, of characters that need no escape.
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

  /// Makes the string just written a member name.
  public mutating func endName() { output.append(UInt8(ascii: ":")) }

  // MARK: Values

  public mutating func string(_ text: String) {
    separate()
    text.withUTF8Bytes { JSONString.encode($0, into: &output) }
  }

  /// Bytes that are UTF-8 except by accident; what is not becomes U+FFFD.
  public mutating func string(utf8 text: ArraySlice<UInt8>) {
    string(String(decoding: text, as: UTF8.self))
  }

  /// One string of several parts, the last of which is UTF-8.
  public mutating func string(_ first: String, _ second: StaticString, utf8 rest: [UInt8]) {
    separate()
    output.append(UInt8(ascii: "\""))
    first.withUTF8Bytes { JSONString.encodeContent($0, into: &output) }
    second.withUTF8Buffer { JSONString.encodeContent($0, into: &output) }
    rest.withUnsafeBufferPointer { JSONString.encodeContent($0, into: &output) }
    output.append(UInt8(ascii: "\""))
  }

  public mutating func integer(_ value: Int64) {
    separate()
    DecimalDigits.append(value, to: &output)
  }

  public mutating func integer(_ value: Int) { integer(Int64(value)) }

  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  public mutating func null() { literal("null") }

  /// - Precondition: `value` is finite; JSON has no other.
  public mutating func double(_ value: Double) {
    precondition(value.isFinite, "JSON has no infinity")
    separate()
    output.append(Array(value.description.utf8))
  }

  /// JSON written in the source, on one line.
  public mutating func literal(_ text: StaticString) {
    separate()
    output.append(text)
  }

  /// A parsed value in its source text; spread over lines, it is put on one.
  public mutating func value(_ json: JSON) {
    separate()
    if json.document.hasLineBreaks {
      copyTokens(json)
    } else {
      json.withSource { output.append($0) }
    }
  }

  /// What another writer wrote: one whole value.
  public mutating func value(_ fragment: JSONFragment) {
    separate()
    output.append(fragment.bytes)
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

  /// A member that is left out when there is nothing to say.
  public mutating func member(ifPresent name: StaticString, _ text: String?) {
    if let text { member(name, text) }
  }

  // MARK: Bytes

  /// After an opening bracket, a colon, a line end or nothing comes no comma.
  @inline(__always)
  private var needsComma: Bool {
    switch output.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), 0x0A: false
    default: true
    }
  }

  @inline(__always)
  private mutating func separate() {
    if needsComma { output.append(UInt8(ascii: ",")) }
  }

  /// The value without the line breaks between its tokens and with line separators escaped.
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

  /// Ends a line of output.
  public mutating func endLine() { output.append(0x0A) }
}

/// One whole JSON value that a writer wrote, on one line.
public struct JSONFragment: Sendable, Equatable {
  public let bytes: [UInt8]

  public init(_ write: (inout JSONWriter) throws -> Void) rethrows {
    var writer = JSONWriter()
    try write(&writer)
    bytes = writer.bytes
  }

  public init(_ json: JSON) { self.init { $0.value(json) } }

  /// Bytes that a writer wrote before: one whole value.
  public init(trusted bytes: [UInt8]) { self.bytes = bytes }

  public static let null = JSONFragment { $0.null() }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The same value for reading.
  public var json: JSON {
    do {
      return try JSON.parse(bytes, limits: JSONLimits(depth: 1_024, values: .max))
    } catch {
      preconditionFailure("a writer wrote what is not JSON: \(error)")
    }
  }
}
