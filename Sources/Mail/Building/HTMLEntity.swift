/// Character references (HTML, section 13.5): numeric ones, and the names that are common in mail.
enum HTMLEntity {
  /// Decodes the reference at `at` and moves past it; `&` if there is none.
  static func read(_ bytes: [UInt8], _ at: inout Int) -> [UInt8] {
    let start = at + 1
    at = start
    let name = bytes[start...].prefix(10).prefix {
      ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "#")
    }
    let end = start + name.count
    guard end < bytes.count, bytes[end] == ASCII.semicolon,
      let scalar = scalar(String(decoding: name, as: UTF8.self))
    else { return [UInt8(ascii: "&")] }
    at = end + 1
    return Array(String(scalar).utf8)
  }

  private static func scalar(_ name: String) -> Unicode.Scalar? {
    guard name.hasPrefix("#") else { return names[name] }
    let digits = name.dropFirst()
    let isHex = digits.hasPrefix("x") || digits.hasPrefix("X")
    let number = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return number.flatMap { $0 == 0 ? "\u{FFFD}" : Unicode.Scalar($0) }
  }

  private static let names: [String: Unicode.Scalar] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "copy": "©",
    "reg": "®", "trade": "™", "hellip": "…", "mdash": "—", "ndash": "–", "lsquo": "‘",
    "rsquo": "’", "ldquo": "“", "rdquo": "”", "laquo": "«", "raquo": "»", "bull": "•",
    "middot": "·", "deg": "°", "euro": "€", "pound": "£", "yen": "¥", "sect": "§", "times": "×",
    "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü", "szlig": "ß",
    "eacute": "é", "egrave": "è", "agrave": "à", "ccedil": "ç", "ntilde": "ñ",
  ]
}
