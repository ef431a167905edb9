/// Base64 (RFC 4648 section 4) and its URL-safe variant (section 5).
public enum Base64 {
  public enum Alphabet: Sendable { case standard, urlSafe }

  private static let standardDigits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  private static let urlSafeDigits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  /// Encodes bytes, by default with `=` padding.
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

  /// Decodes Base64, with or without padding.
  ///
  /// - Throws: if the text contains other characters (including white space and line breaks), if
  ///   the padding is incomplete, or if unused bits are not zero. No encoder writes these.
  public static func decode(
    _ text: UnsafeBufferPointer<UInt8>, alphabet: Alphabet = .standard
  ) throws(Base64Error) -> [UInt8] {
    let values = alphabet == .standard ? standardValues : urlSafeValues
    var padding = 0
    while padding < min(2, text.count), text[text.count - 1 - padding] == UInt8(ascii: "=") {
      padding += 1
    }
    let digitCount = text.count - padding
    var decoded: [UInt8] = []
    decoded.reserveCapacity(digitCount / 4 * 3 + 2)
    var bits: UInt32 = 0
    var bitCount = 0
    for at in 0..<digitCount {
      let value = values[Int(text[at])]
      guard value < 64 else {
        throw Base64Error(offset: at, reason: "contains a character outside the Base64 alphabet")
      }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      guard bitCount >= 8 else { continue }
      bitCount -= 8
      decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
    }
    guard padding == 0 || text.count % 4 == 0, digitCount % 4 != 1 else {
      throw Base64Error(offset: text.count, reason: "is truncated or incorrectly padded")
    }
    guard bits & (1 << UInt32(bitCount) - 1) == 0 else {
      throw Base64Error(offset: digitCount - 1, reason: "has non-zero unused bits at the end")
    }
    return decoded
  }

  private static let standardValues = values(of: standardDigits)
  private static let urlSafeValues = values(of: urlSafeDigits)

  /// The value of each digit, by byte; 0xFF for other bytes.
  private static func values(of digits: StaticString) -> [UInt8] {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for value in 0..<64 { values[Int(digits.utf8Start[value])] = UInt8(value) }
    return values
  }
}

/// A text that is not Base64.
public struct Base64Error: Error, Sendable {
  /// Byte offset in the text, from 0.
  public var offset: Int
  /// A predicate. The caller puts the subject before it.
  public var reason: String
}

/// Percent-encoding (RFC 3986 section 2.1).
public enum PercentEncoding {
  public static let hexDigits = Array("0123456789ABCDEF".utf8)

  /// Encodes every byte except the unreserved characters (letters, digits, `-._~`).
  public static func encode(_ text: String) -> String {
    if text.utf8.allSatisfy(isUnreserved) { return text }
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) {
        encoded.append(byte)
      } else {
        append(byte, to: &encoded)
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// Appends a byte as an escape.
  static func append(_ byte: UInt8, to encoded: inout [UInt8]) {
    encoded.append(UInt8(ascii: "%"))
    encoded.append(hexDigits[Int(byte >> 4)])
    encoded.append(hexDigits[Int(byte & 0xF)])
  }

  /// Decodes the escapes. Invalid escapes stay as they are.
  public static func decode(_ text: String) -> String { decode(Array(text.utf8)) }

  static func decode(_ bytes: [UInt8]) -> String {
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

  /// Letters, digits and `-._~` (RFC 3986 section 2.3).
  public static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}

/// Encodes and decodes single names and values of a form (URL standard section 5). For whole forms
/// see `FormFields`.
public enum FormEncoding {
  /// Keeps letters, digits and `*-._`, writes a space as `+` and percent-encodes every other byte.
  public static func encode(_ text: String) -> String {
    var encoded: [UInt8] = []
    encoded.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte == UInt8(ascii: " ") {
        encoded.append(UInt8(ascii: "+"))
      } else if byte != UInt8(ascii: "~"),
        PercentEncoding.isUnreserved(byte) || byte == UInt8(ascii: "*")
      {
        encoded.append(byte)
      } else {
        PercentEncoding.append(byte, to: &encoded)
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  public static func decode(_ text: some Sequence<UInt8>) -> String {
    PercentEncoding.decode(text.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
  }
}
