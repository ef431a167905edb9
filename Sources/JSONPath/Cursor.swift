import Basics
import JSON

/// A position in the text of a query, and the readers of its tokens.
struct Cursor {
  let bytes: [UInt8]
  var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The byte at the cursor; nil at the end.
  var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

  func next(is character: Unicode.Scalar, after distance: Int = 0) -> Bool {
    let index = position + distance
    return index < bytes.count && bytes[index] == UInt8(ascii: character)
  }

  /// Consumes `text` if the cursor is at it.
  mutating func take(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  /// Skips blank space ("S" in the grammar of RFC 9535).
  mutating func skipBlanks() {
    while let byte, Self.isBlank(byte) { position += 1 }
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): true
    default: false
    }
  }

  // MARK: Names

  /// A member name after a dot (section 2.5.1.1); nil if there is none.
  mutating func takeShorthandName() -> MemberName? {
    let start = position
    guard let first = byte, Self.isNameFirst(first) else { return nil }
    while let byte, Self.isNameFirst(byte) || Self.isDigit(byte) { position += 1 }
    return MemberName(utf8: Array(bytes[start..<position]))
  }

  /// The name of a function, or a literal such as `true` (section 2.4); nil if there is none.
  mutating func takeLowercaseName() -> String? {
    let start = position
    guard let first = byte, Self.isLowercase(first) else { return nil }
    while let byte, Self.isLowercase(byte) || Self.isDigit(byte) || byte == UInt8(ascii: "_") {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Names may contain all non-ASCII characters. The UTF-8 of a `String` has no surrogates.
  private static func isNameFirst(_ byte: UInt8) -> Bool {
    isLowercase(byte | 0x20) || byte == UInt8(ascii: "_") || byte >= 0x80
  }

  private static func isLowercase(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  // MARK: Numbers

  /// The largest integer that every JSON implementation represents exactly (RFC 7493 section 2.2).
  private static let largestInteger = 9_007_199_254_740_991

  var isAtInteger: Bool { byte.map { Self.isDigit($0) || $0 == UInt8(ascii: "-") } ?? false }

  /// An index or a part of a slice ("int" in the grammar).
  mutating func takeInteger() throws(JSONPathError) -> Int {
    let start = position
    let isNegative = take("-")
    guard let first = byte, Self.isDigit(first) else { throw .expected("a digit", at: position) }
    var value = 0
    while let byte, Self.isDigit(byte) {
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      guard value <= Self.largestInteger else {
        throw .expected("an integer between -(2^53 - 1) and 2^53 - 1", at: start)
      }
      position += 1
    }
    let digits = position - start - (isNegative ? 1 : 0)
    guard first != UInt8(ascii: "0") || (digits == 1 && !isNegative) else {
      throw .expected("an integer without leading zeros, not -0", at: start)
    }
    return isNegative ? -value : value
  }

  /// A number in a comparison, in the grammar of JSON.
  mutating func takeNumber() throws(JSONPathError) -> FilterValue {
    let start = position
    while let byte, Self.isDigit(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
    do {
      let json = try JSON.parse(Array(bytes[start..<position]))
      return Number(json).map(FilterValue.number) ?? .json(json)
    } catch {
      throw JSONPathError(reason: error.reason, offset: start + error.offset)
    }
  }
}
