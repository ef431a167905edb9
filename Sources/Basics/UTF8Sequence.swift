/// One UTF-8 encoded character (RFC 3629).
public enum UTF8Sequence {
  /// The length in bytes, 1 to 4, of the well-formed sequence at `bytes`. 0 for a stray
  /// continuation byte, an overlong form, a surrogate, a value above U+10FFFF or a truncated
  /// sequence.
  public static func length(_ bytes: UnsafePointer<UInt8>, available: Int) -> Int {
    let lead = bytes[0]
    let (count, second): (Int, ClosedRange<UInt8>)
    switch lead {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
    case 0xE0: (count, second) = (3, 0xA0...0xBF)
    case 0xE1...0xEC, 0xEE...0xEF: (count, second) = (3, 0x80...0xBF)
    case 0xED: (count, second) = (3, 0x80...0x9F)
    case 0xF0: (count, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
    case 0xF4: (count, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard available >= count, second.contains(bytes[1]) else { return 0 }
    for position in 2..<max(count, 2) where bytes[position] & 0xC0 != 0x80 { return 0 }
    return count
  }

  /// U+0085, U+2028 and U+2029. Some text readers treat them as line ends (Python's `splitlines`).
  @inline(__always)
  public static func isLineSeparator(_ bytes: UnsafePointer<UInt8>, length: Int) -> Bool {
    switch length {
    case 2: bytes[0] == 0xC2 && bytes[1] == 0x85
    case 3: bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] == 0xA8 || bytes[2] == 0xA9)
    default: false
    }
  }
}
