import Glibc

/// Values of JSON number texts (RFC 8259 section 6).
enum JSONNumber {
  /// The value of `text` when it is a whole number that fits 64 bits; exact, never by way of a
  /// double.
  static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    var at = 0
    let negative = text[0] == UInt8(ascii: "-")
    if negative { at = 1 }
    var value: Int64 = 0
    while at < text.count, isDigit(text[at]) {
      let digit = Int64(text[at] &- UInt8(ascii: "0"))
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) =
        negative
        ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      if overflow || overflow2 { return nil }
      value = sum
      at += 1
    }
    return at == text.count ? value : wholeDouble(text)
  }

  /// A number with a fraction or an exponent counts as an integer when nothing is left of either
  /// and a double holds it exactly (up to 2^53).
  private static func wholeDouble(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    let value = double(text)
    guard value.rounded() == value, value.magnitude <= 9_007_199_254_740_992 else { return nil }
    return Int64(value)
  }

  static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double {
    // strtod needs a terminator, and the source text has none.
    var terminated = [CChar](unsafeUninitializedCapacity: text.count + 1) { buffer, count in
      for (position, byte) in text.enumerated() { buffer[position] = CChar(byte) }
      buffer[text.count] = 0
      count = text.count + 1
    }
    return strtod(&terminated, nil)
  }
}
