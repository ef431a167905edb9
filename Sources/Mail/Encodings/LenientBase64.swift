/// A lenient Base64 decoder for mail (RFC 2045 section 6.8): both alphabets, optional padding,
/// other characters between the digits.
package enum LenientBase64 {
  /// Never fails; skips characters that are not digits.
  ///
  /// After padding, it continues only if the line is Base64: some senders pad each piece of their
  /// output, and others append a mailing list footer there.
  package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    guard let base = text.baseAddress else { return [] }
    return [UInt8](unsafeUninitializedCapacity: memory(for: text.count)) { decoded, count in
      if let start = decoded.baseAddress { count = decode(base, text.count, into: start) }
    }
  }

  /// Replaces the text by what it encodes, without further memory.
  package static func decode(_ text: inout [UInt8], at range: Range<Int>) {
    let count = text.withUnsafeMutableBufferPointer { text in
      guard let base = text.baseAddress else { return 0 }
      return decode(UnsafePointer(base + range.lowerBound), range.count, into: base)
    }
    text.removeLast(text.count - count)
  }

  private static func memory(for count: Int) -> Int { count / 4 * 3 + 3 }

  /// - Parameter decoded: has room for `memory(for: count)` bytes. It may be the memory of the text or
  ///   what is before it, because it grows more slowly than the text is read.
  /// - Returns: the number of bytes that were decoded.
  private static func decode(
    _ text: UnsafePointer<UInt8>, _ textCount: Int, into decoded: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let text = UnsafeBufferPointer(start: text, count: textCount)
    var count = 0
    var bits: UInt32 = 0
    var bitCount = 0
    var at = 0
    // The line is known to be Base64 up to here, so no line is scanned twice.
    var known = 0
    while at < text.count {
      if bitCount == 0 {
        let groups = decodeGroups(text, at, into: decoded + count)
        at += 4 * groups
        count += 3 * groups
        guard at < text.count else { break }
      }
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
          guard let end = endOfDigits(text, at) else { return count }
          known = end
        }
      }
    }
    return count
  }

  /// Decodes complete groups of four digits, up to the first other character.
  ///
  /// - Returns: the number of groups.
  private static func decodeGroups(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int, into decoded: UnsafeMutablePointer<UInt8>
  ) -> Int {
    groupValues.withUnsafeBufferPointer { values in
      guard var from = text.baseAddress, let values = values.baseAddress else { return 0 }
      from += start
      let maximum = (text.count - start) / 4
      var to = decoded
      for group in 0..<maximum {
        let bits =
          values[Int(from[0])] | values[256 + Int(from[1])] | values[512 + Int(from[2])]
          | values[768 + Int(from[3])]
        guard bits & invalid == 0 else { return group }
        to[0] = UInt8(truncatingIfNeeded: bits >> 16)
        to[1] = UInt8(truncatingIfNeeded: bits >> 8)
        to[2] = UInt8(truncatingIfNeeded: bits)
        from += 4
        to += 3
      }
      return maximum
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

  /// Marks a character that is not a digit.
  private static let invalid: UInt32 = 1 << 24

  /// The bits of each character in a group, once for each of the four positions.
  private static let groupValues: [UInt32] = [18, 12, 6, 0].flatMap { (shift: UInt32) in
    values.map { $0 < 64 ? UInt32($0) << shift : invalid }
  }
}
