/// A lenient Base64 decoder for mail (RFC 2045 section 6.8): both alphabets, optional padding,
/// other characters between the digits.
package enum LenientBase64 {
  /// Never fails; skips characters that are not digits.
  ///
  /// After padding, it continues only if the line is Base64: some senders pad each piece of their
  /// output, and others append a mailing list footer there.
  package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { decoded, count in
      var bits: UInt32 = 0
      var bitCount = 0
      var at = 0
      // The line is known to be Base64 up to here, so no line is scanned twice.
      var known = 0
      while at < text.count {
        let byte = text[at]
        at += 1
        let value = values[Int(byte)]
        if value < 64 {
          bits = bits << 6 | UInt32(value)
          bitCount += 6
          if bitCount >= 8 {
            bitCount -= 8
            decoded[count] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
            count += 1
          }
        } else if byte == ASCII.equals, bitCount == 2 || bitCount == 4 {
          (bits, bitCount) = (0, 0)
          while at < text.count, text[at] == ASCII.equals || ASCII.isWhiteSpace(text[at]) {
            at += 1
          }
          if at >= known {
            guard let end = endOfDigits(text, at) else { return }
            known = end
          }
        }
      }
    }
  }

  package static func decode(_ text: [UInt8]) -> [UInt8] {
    text.withUnsafeBufferPointer(decode)
  }

  /// The end of the line, if it consists of complete groups of standard digits.
  private static func endOfDigits(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var at = start
    while at < text.count, !ASCII.isWhiteSpace(text[at]) {
      let byte = text[at]
      guard byte == ASCII.equals || values[Int(byte)] < 64, byte != ASCII.hyphen,
        byte != ASCII.underscore
      else { return nil }
      at += 1
    }
    return at > start && (at - start) % 4 == 0 ? at : nil
  }

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    values[Int(ASCII.hyphen)] = 62
    values[Int(ASCII.underscore)] = 63
    return values
  }()
}
