/// Content-Transfer-Encoding (RFC 2045 section 6), decoded leniently.
enum TransferEncoding {
  static func decode(_ body: ArraySlice<UInt8>, _ name: String?) -> [UInt8] {
    switch name {
    case "base64": base64(body)
    case "quoted-printable": quotedPrintable(body)
    default: Array(body)
    }
  }

  /// Accepts both alphabets. Skips other characters and drops an incomplete last byte.
  static func base64(_ text: some Sequence<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    for byte in text {
      guard let digit = digit(byte) else {
        if byte == UInt8(ascii: "=") { break }
        continue
      }
      bits = bits << 6 | digit
      bitCount += 6
      guard bitCount >= 8 else { continue }
      bitCount -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  static func quotedPrintable(_ text: some Sequence<UInt8>) -> [UInt8] {
    let text = Array(text)
    var bytes: [UInt8] = []
    var at = 0
    while at < text.count {
      guard text[at] == UInt8(ascii: "=") else {
        bytes.append(text[at])
        at += 1
        continue
      }
      if let byte = hexPair(text, at + 1) {
        bytes.append(byte)
        at += 3
        continue
      }
      let end = text[(at + 1)...].first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
      if end == nil || end == 0x0A {
        at = (text[at...].firstIndex(of: 0x0A) ?? text.count - 1) + 1
      } else {
        bytes.append(text[at])
        at += 1
      }
    }
    return bytes
  }

  static func percentDecoded(_ text: String) -> [UInt8] {
    let text = Array(text.utf8)
    var bytes: [UInt8] = []
    var at = 0
    while at < text.count {
      if text[at] == UInt8(ascii: "%"), let byte = hexPair(text, at + 1) {
        bytes.append(byte)
        at += 3
      } else {
        bytes.append(text[at])
        at += 1
      }
    }
    return bytes
  }

  private static func hexPair(_ text: [UInt8], _ at: Int) -> UInt8? {
    guard at + 1 < text.count, let high = hex(text[at]), let low = hex(text[at + 1]) else {
      return nil
    }
    return high << 4 | low
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
    default: nil
    }
  }
}
