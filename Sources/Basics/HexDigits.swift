@inline(__always)
public func hexValue(_ byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
  default: nil
  }
}

/// Lower-case hexadecimal digits.
public enum HexDigits {
  /// Two digits per byte.
  public static func text(of bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: 2 * bytes.count) { digits in
      for (position, byte) in bytes.enumerated() {
        digits[2 * position] = digit(byte >> 4)
        digits[2 * position + 1] = digit(byte & 0x0F)
      }
      return 2 * bytes.count
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
  }

  /// Writes the 16 digits of a number, eight at a time.
  @inline(__always)
  static func write(_ number: UInt64, to place: UnsafeMutableRawPointer) {
    let halves = (digits(UInt32(number >> 32)), digits(UInt32(truncatingIfNeeded: number)))
    place.storeBytes(of: halves.0.bigEndian, as: UInt64.self)
    place.storeBytes(of: halves.1.bigEndian, toByteOffset: 8, as: UInt64.self)
  }

  /// Eight digits in ASCII, the first one in the most significant byte.
  @inline(__always)
  private static func digits(_ number: UInt32) -> UInt64 {
    var each = UInt64(number)
    each = (each & 0xFFFF_0000) << 16 | each & 0xFFFF
    each = (each << 8 | each) & 0x00FF_00FF_00FF_00FF
    each = (each << 4 | each) & 0x0F0F_0F0F_0F0F_0F0F
    let areLetters = (each &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    let gap = UInt64(UInt8(ascii: "a") - UInt8(ascii: "0") - 10)
    return each &+ 0x3030_3030_3030_3030 &+ areLetters &* gap
  }
}
