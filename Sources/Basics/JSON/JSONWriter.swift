/// Writes JSON into bytes, on one line.
///
/// Commas are placed by looking at the last byte, so that there is no state to keep: after an
/// opening bracket, a colon, a line end or nothing comes no comma.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8]

  public init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  public var isEmpty: Bool { bytes.isEmpty }

  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Takes back what was written after the first `count` bytes.
  public mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }

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
    bytes.append(UInt8(ascii: "{"))
  }

  public mutating func closeObject() { bytes.append(UInt8(ascii: "}")) }

  public mutating func openArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
  }

  public mutating func closeArray() { bytes.append(UInt8(ascii: "]")) }

  // MARK: Names

  /// A member name known at compile time, of characters that need no escape.
  public mutating func name(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
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
  mutating func endName() { bytes.append(UInt8(ascii: ":")) }

  // MARK: Values

  public mutating func string(_ text: String) {
    separate()
    text.withUTF8Bytes { JSONString.encode($0, into: &bytes) }
  }

  /// Bytes that are UTF-8 except by accident; what is not becomes U+FFFD.
  public mutating func string(utf8 text: ArraySlice<UInt8>) {
    string(String(decoding: text, as: UTF8.self))
  }

  public mutating func integer(_ value: Int64) {
    separate()
    DecimalDigits.append(value, to: &bytes)
  }

  public mutating func integer(_ value: Int) { integer(Int64(value)) }

  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  public mutating func null() { literal("null") }

  /// - Precondition: `value` is finite; JSON has no other.
  public mutating func double(_ value: Double) {
    precondition(value.isFinite, "JSON has no infinity")
    separate()
    bytes.append(contentsOf: value.description.utf8)
  }

  /// JSON written in the source, on one line.
  public mutating func literal(_ text: StaticString) {
    separate()
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A parsed value in its source text; spread over lines, it is put on one.
  public mutating func value(_ json: JSON) {
    separate()
    if json.document.hasLineBreaks {
      copyTokens(json)
    } else {
      json.withSource { bytes.append(contentsOf: $0) }
    }
  }

  /// What another writer wrote: one whole value.
  public mutating func value(_ fragment: JSONFragment) {
    separate()
    bytes.append(contentsOf: fragment.bytes)
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

  @inline(__always)
  private mutating func separate() {
    switch bytes.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), 0x0A: return
    default: bytes.append(UInt8(ascii: ","))
    }
  }

  /// The value without the line breaks between its tokens and with line separators escaped.
  private mutating func copyTokens(_ json: JSON) {
    switch json.kind {
    case .object:
      bytes.append(UInt8(ascii: "{"))
      for member in json.members { name(copying: member.name); value(member.value) }
      bytes.append(UInt8(ascii: "}"))
    case .array:
      bytes.append(UInt8(ascii: "["))
      for element in json.elements { value(element) }
      bytes.append(UInt8(ascii: "]"))
    case .string:
      json.withSource { JSONString.copyEscapingSeparators($0, into: &bytes) }
    default:
      json.withSource { bytes.append(contentsOf: $0) }
    }
  }

  /// Ends a line of output.
  public mutating func endLine() { bytes.append(0x0A) }
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

enum DecimalDigits {
  static func append(_ value: Int64, to output: inout [UInt8]) {
    if value >= 0 && value < 10 {
      output.append(UInt8(ascii: "0") + UInt8(value))
      return
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var magnitude = value.magnitude
      var at = 20
      repeat {
        at -= 1
        digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
        magnitude /= 10
      } while magnitude > 0
      if value < 0 {
        at -= 1
        digits[at] = UInt8(ascii: "-")
      }
      output.append(contentsOf: digits[at..<20])
    }
  }
}
