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
    return at == text.count ? value : whole(text)
  }

  /// A number with a fraction or an exponent is whole when its value is: `1.0`, `1e2`, `12.50e1`.
  private static func whole(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    let mantissaEnd = text.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? text.count
    let fractionStart = text[..<mantissaEnd].firstIndex(of: UInt8(ascii: ".")) ?? mantissaEnd
    let digits = text[..<mantissaEnd].filter { isDigit($0) }
    guard let last = digits.lastIndex(where: { $0 != UInt8(ascii: "0") }) else { return 0 }
    // An exponent that is not even a 64-bit integer leaves nothing whole, or nothing that fits.
    let exponentText = String(decoding: text[mantissaEnd...].dropFirst(), as: UTF8.self)
    guard let exponent = mantissaEnd == text.count ? 0 : Int(exponentText) else { return nil }
    // Zeros to append to the significant digits; below zero, some stand behind the point.
    let shift = digits.count - 1 - last - max(0, mantissaEnd - fractionStart - 1)
    let (zeros, overflow) = exponent.addingReportingOverflow(shift)
    guard !overflow, (0...18).contains(zeros) else { return nil }
    let sign = text[0] == UInt8(ascii: "-") ? "-" : ""
    let significant = String(decoding: digits[...last], as: UTF8.self)
    return Int64(sign + significant + String(repeating: "0", count: zeros))
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
