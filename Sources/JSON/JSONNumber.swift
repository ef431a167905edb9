import Glibc

/// Converts JSON numbers (RFC 8259 section 6).
enum JSONNumber {
  /// The value of `text` if it is an integer that fits in 64 bits. Exact: not converted through a
  /// double.
  static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    var at = 0
    let negative = text[0] == UInt8(ascii: "-")
    if negative { at = 1 }
    var value: Int64 = 0
    // That many digits fit in 64 bits.
    let safeEnd = min(text.count, 18)
    while at < safeEnd, isDigit(text[at]) {
      value = value &* 10 &+ Int64(text[at] &- UInt8(ascii: "0"))
      at += 1
    }
    if negative { value = -value }
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

  /// The integer value of a number with a fraction or an exponent: `1.0`, `1e2`, `12.50e1`.
  private static func whole(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    let mantissaEnd = text.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? text.count
    let fractionStart = text[..<mantissaEnd].firstIndex(of: UInt8(ascii: ".")) ?? mantissaEnd
    let digits = text[..<mantissaEnd].filter { isDigit($0) }
    guard let last = digits.lastIndex(where: { $0 != UInt8(ascii: "0") }) else { return 0 }
    // With an exponent beyond 64 bits, the value is no integer or does not fit.
    let exponentText = String(decoding: text[mantissaEnd...].dropFirst(), as: UTF8.self)
    guard let exponent = mantissaEnd == text.count ? 0 : Int(exponentText) else { return nil }
    // Zeros to append to the significant digits; negative if digits follow the decimal point.
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
