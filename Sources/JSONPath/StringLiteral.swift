/// A quoted string in a query (RFC 9535 section 2.3.1.1), decoded while reading.
struct StringLiteral {
  private var cursor: Cursor
  private var decoded: [UInt8] = []

  /// Reads the literal with its opening quote (' or ") at the cursor and moves the cursor after the
  /// closing quote. Returns UTF-8.
  static func take(from cursor: inout Cursor) throws(JSONPathError) -> [UInt8] {
    var literal = StringLiteral(cursor: cursor)
    try literal.read()
    cursor = literal.cursor
    return literal.decoded
  }

  private init(cursor: Cursor) {
    self.cursor = cursor
  }

  private mutating func read() throws(JSONPathError) {
    guard let quote = cursor.byte else { throw .expected("a string", at: cursor.position) }
    cursor.position += 1
    while let byte = cursor.byte {
      switch byte {
      case quote:
        cursor.position += 1
        return
      case UInt8(ascii: "\\"):
        try readEscape(quote: quote)
      case ..<0x20:
        throw .expected("an escape instead of a control character", at: cursor.position)
      default:
        decoded.append(byte)
        cursor.position += 1
      }
    }
    throw .expected("a closing quote", at: cursor.position)
  }

  private mutating func readEscape(quote: UInt8) throws(JSONPathError) {
    let start = cursor.position
    cursor.position += 1
    switch cursor.byte {
    case quote, UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(cursor.bytes[start + 1])
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "u"):
      cursor.position += 1
      return try readUnicodeEscape(start: start)
    default:
      throw .expected("one of the escapes \\b \\f \\n \\r \\t \\/ \\\\ \\u \\quote", at: start)
    }
    cursor.position += 1
  }

  private mutating func readUnicodeEscape(start: Int) throws(JSONPathError) {
    var value = try readUnit()
    if (0xD800..<0xDC00).contains(value) {
      let low = cursor.take("\\u") ? try readUnit() : 0
      guard (0xDC00..<0xE000).contains(low) else {
        throw .expected("a low surrogate after a high one", at: start)
      }
      value = 0x10000 + ((value & 0x3FF) << 10 | (low & 0x3FF))
    }
    guard let scalar = Unicode.Scalar(value) else {
      throw .expected("a high surrogate before a low one", at: start)
    }
    decoded.append(contentsOf: String(scalar).utf8)
  }

  private mutating func readUnit() throws(JSONPathError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = cursor.byte.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw .expected("four hexadecimal digits after \\u", at: cursor.position)
      }
      value = value << 4 | UInt32(digit)
      cursor.position += 1
    }
    return value
  }
}
