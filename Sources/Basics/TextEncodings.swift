/// Base64 (RFC 4648 section 4) and its URL-safe alphabet (section 5).
public enum Base64 {
  public enum Alphabet: Sendable { case standard, urlSafe }

  private static let standardDigits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  private static let urlSafeDigits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  /// The encoding, padded with `=` unless told not to.
  public static func encode(
    _ bytes: some Collection<UInt8>, alphabet: Alphabet = .standard, padded: Bool = true
  ) -> String {
    let digits = alphabet == .standard ? standardDigits : urlSafeDigits
    var encoded: [UInt8] = []
    encoded.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var bitCount = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        encoded.append(digits.utf8Start[Int(bits >> UInt32(bitCount) & 0x3F)])
      }
    }
    if bitCount > 0 {
      encoded.append(digits.utf8Start[Int(bits << UInt32(6 - bitCount) & 0x3F)])
    }
    while padded && encoded.count % 4 != 0 { encoded.append(UInt8(ascii: "=")) }
    return String(decoding: encoded, as: UTF8.self)
  }
}

/// Percent-encoding (RFC 3986 section 2.1).
public enum PercentEncoding {
  public static let hexDigits = Array("0123456789ABCDEF".utf8)

  /// Encodes every byte but the unreserved characters (letters, digits, `-._~`).
  public static func encode(_ text: String) -> String {
    if text.utf8.allSatisfy(isUnreserved) { return text }
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(hexDigits[Int(byte >> 4)])
        encoded.append(hexDigits[Int(byte & 0xF)])
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// The text with its escapes resolved; what is no escape stays.
  public static func decode(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count,
        let high = hexValue(bytes[at + 1]), let low = hexValue(bytes[at + 2])
      {
        decoded.append(UInt8(high << 4 | low))
        at += 3
      } else {
        decoded.append(bytes[at])
        at += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
