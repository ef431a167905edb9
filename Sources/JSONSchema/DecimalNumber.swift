import Basics
import JSON

/// The exact value of a JSON number: `digits` × 10^`exponent`.
struct DecimalNumber: Hashable, Sendable {
  /// An exponent beyond this is treated as this.
  private static let largestExponent = 1 << 60

  let isNegative: Bool
  /// Values 0 to 9, without zeros at the start and the end. Empty for 0.
  let digits: [UInt8]
  let exponent: Int

  /// - Parameter json: a number.
  init(_ json: JSON) {
    (isNegative, digits, exponent) = json.withSource { Self.read($0) }
  }

  private static func read(_ text: UnsafeBufferPointer<UInt8>) -> (Bool, [UInt8], Int) {
    var digits: [UInt8] = []
    var (exponent, isFraction) = (0, false)
    var at = text.startIndex
    if text[at] == UInt8(ascii: "-") { at += 1 }
    while at < text.endIndex, text[at] | 0x20 != UInt8(ascii: "e") {
      if text[at] == UInt8(ascii: ".") {
        isFraction = true
      } else {
        digits.append(text[at] - UInt8(ascii: "0"))
        if isFraction { exponent -= 1 }
      }
      at += 1
    }
    if at < text.endIndex {
      let written = String(decoding: text[(at + 1)...], as: UTF8.self)
      let limit = written.hasPrefix("-") ? -largestExponent : largestExponent
      exponent += min(max(Int(written) ?? limit, -largestExponent), largestExponent)
    }
    let zeros = digits.reversed().prefix { $0 == 0 }.count
    digits.removeLast(zeros)
    digits.removeFirst(digits.prefix { $0 == 0 }.count)
    guard !digits.isEmpty else { return (false, [], 0) }
    return (text[0] == UInt8(ascii: "-"), digits, exponent + zeros)
  }

  var isInteger: Bool { exponent >= 0 }

  static func < (one: DecimalNumber, other: DecimalNumber) -> Bool {
    guard one.isNegative == other.isNegative else { return one.isNegative }
    return one.isNegative
      ? isMagnitudeLess(other, one) : isMagnitudeLess(one, other)
  }

  private static func isMagnitudeLess(_ one: DecimalNumber, _ other: DecimalNumber) -> Bool {
    guard !one.digits.isEmpty, !other.digits.isEmpty else { return !other.digits.isEmpty }
    let size = one.exponent + one.digits.count
    let otherSize = other.exponent + other.digits.count
    return size == otherSize
      ? one.digits.lexicographicallyPrecedes(other.digits) : size < otherSize
  }
}

/// The argument of `multipleOf`.
struct Divisor: Sendable {
  let text: String
  /// The value is this times 10^`exponent`.
  private let significand: UInt64
  private let exponent: Int
  /// The value, if it is an integer of 64 bits.
  private let integer: Int64?

  /// - Returns: nil unless the number is positive and has at most `SchemaLimits.divisorDigits`.
  init?(_ json: JSON) {
    let decimal = DecimalNumber(json)
    guard !decimal.isNegative, (1...SchemaLimits.divisorDigits).contains(decimal.digits.count)
    else { return nil }
    significand = decimal.digits.reduce(0) { $0 * 10 + UInt64($1) }
    exponent = decimal.exponent
    integer = json.integer
    text = json.shortText
  }

  func divides(_ json: JSON) -> Bool {
    if let integer, let value = json.integer {
      return value.magnitude % integer.magnitude == 0
    }
    let value = DecimalNumber(json)
    guard !value.digits.isEmpty else { return true }
    // The last digit of the value is not 0, so that it has no factor 10 to spare.
    guard value.exponent >= exponent else { return false }
    let remainder = value.digits.reduce(0) { ($0 * 10 + UInt64($1)) % significand }
    return multiply(remainder, powerOfTen(value.exponent - exponent)) == 0
  }

  private func multiply(_ one: UInt64, _ other: UInt64) -> UInt64 {
    significand.dividingFullWidth(one.multipliedFullWidth(by: other)).remainder
  }

  /// 10^`count` modulo the significand.
  private func powerOfTen(_ count: Int) -> UInt64 {
    var (result, square, remaining) = (1 % significand, 10 % significand, count)
    while remaining > 0 {
      if remaining & 1 == 1 { result = multiply(result, square) }
      square = multiply(square, square)
      remaining >>= 1
    }
    return result
  }
}

extension JSON {
  /// The source text, truncated for a message.
  var shortText: String {
    let text = singleLineText
    return text.utf8.count > SchemaLimits.textBytes
      ? "\(text.prefix(SchemaLimits.textBytes / 4))…" : text
  }
}
