import Basics

/// Encoding for text that is mostly ASCII (RFC 2045 section 6.7).
enum QuotedPrintable {
  /// Keeps a `=` that starts no valid escape. Removes white space at line ends, which transport
  /// added, as section 6.7 (3) requires.
  static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: text.count) { decoded, count in
      var at = 0
      // Where the line can be trimmed: after its last byte that is escaped or is not white space.
      var solid = 0
      while at < text.count {
        let byte = text[at]
        at += 1
        switch byte {
        case ASCII.equals:
          if at + 1 < text.count, let high = ASCII.hexValue(text[at]),
            let low = ASCII.hexValue(text[at + 1])
          {
            decoded[count] = high << 4 | low
            at += 2
          } else if let next = softBreak(text, at) {
            at = next
            solid = count
            continue
          } else {
            decoded[count] = byte
          }
          count += 1
          solid = count
        case ASCII.space, ASCII.tab:
          decoded[count] = byte
          count += 1
        case ASCII.lineFeed:
          count = solid
          if at >= 2, text[at - 2] == ASCII.carriageReturn {
            decoded[count] = ASCII.carriageReturn
            count += 1
          }
          decoded[count] = byte
          count += 1
          solid = count
        case ASCII.carriageReturn where at < text.count && text[at] == ASCII.lineFeed:
          continue
        default:
          decoded[count] = byte
          count += 1
          solid = count
        }
      }
      count = solid
    }
  }

  /// The position after the line break that follows a `=`, with optional white space before it.
  /// Also matches at the end of the text.
  private static func softBreak(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var at = start
    while at < text.count, text[at] == ASCII.space || text[at] == ASCII.tab { at += 1 }
    guard at < text.count else { return at }
    if text[at] == ASCII.lineFeed { return at + 1 }
    guard text[at] == ASCII.carriageReturn else { return nil }
    return at + 1 < text.count && text[at + 1] == ASCII.lineFeed ? at + 2 : at + 1
  }

  /// Maximum length of a written line, without CRLF.
  static let maximumLine = 76

  /// Encodes text with CRLF line ends.
  static func encode(_ text: UnsafeBufferPointer<UInt8>, into encoded: inout [UInt8]) {
    var column = 0
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte == ASCII.carriageReturn, at + 1 < text.count, text[at + 1] == ASCII.lineFeed {
        encoded.append(ASCII.carriageReturn)
        encoded.append(ASCII.lineFeed)
        (column, at) = (0, at + 2)
        continue
      }
      let endsLine =
        at + 1 == text.count
        || at + 2 < text.count && text[at + 1] == ASCII.carriageReturn
          && text[at + 2] == ASCII.lineFeed
      let isLiteral = Self.isLiteral(text, at, atLineStart: column == 0, endsLine: endsLine)
      // Reserve one column for the `=` of a soft break.
      let width = isLiteral ? 1 : 3
      if column + width > maximumLine - (endsLine ? 0 : 1) {
        encoded.append(ASCII.equals)
        encoded.append(ASCII.carriageReturn)
        encoded.append(ASCII.lineFeed)
        column = 0
      }
      // Check again: the byte may now be the first of its line.
      if isLiteral,
        Self.isLiteral(text, at, atLineStart: column == 0, endsLine: endsLine)
      {
        encoded.append(byte)
        column += 1
      } else {
        encoded.append(ASCII.equals)
        encoded.append(ASCII.hexDigits[Int(byte >> 4)])
        encoded.append(ASCII.hexDigits[Int(byte & 0xF)])
        column += 3
      }
      at += 1
    }
  }

  /// Escapes a dot or `From ` at the start of a line, because SMTP and mailbox files change them.
  private static func isLiteral(
    _ text: UnsafeBufferPointer<UInt8>, _ at: Int, atLineStart: Bool, endsLine: Bool
  ) -> Bool {
    switch text[at] {
    case ASCII.space, ASCII.tab: !endsLine
    case ASCII.dot: !atLineStart
    case UInt8(ascii: "F"): !(atLineStart && text[at...].starts(with: "From ".utf8))
    case ASCII.equals: false
    case 0x21...0x7E: true
    default: false
    }
  }
}
