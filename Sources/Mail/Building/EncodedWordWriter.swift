import Basics

/// Writes text as encoded words (RFC 2047), joined by folds.
enum EncodedWordWriter {
  /// Maximum length of a word, including its delimiters.
  static let maximumWord = 75
  private static let overhead = "=?UTF-8?Q??=".utf8.count
  static let fold = "\r\n "

  /// Encodes with Q or B, whichever is shorter. Does not split characters.
  ///
  /// - Parameter column: the column of the first word.
  static func encode(_ text: String, column: Int) -> String {
    let quotedLength = text.utf8.reduce(0) { $0 + (isLiteral($1) || $1 == ASCII.space ? 1 : 3) }
    let isBase64 = quotedLength > (text.utf8.count + 2) / 3 * 4
    var words: [String] = []
    var piece: [UInt8] = []
    var length = 0
    // A line has 76 columns; a fold takes one.
    var room = min(maximumWord, HeaderWriter.maximumLine - column) - overhead
    func flush() {
      guard !piece.isEmpty else { return }
      words.append(isBase64 ? base64(piece) : quoted(piece))
      piece.removeAll()
      length = 0
      room = maximumWord - overhead
    }
    // Split between visible characters (grapheme clusters), if each fits into one word.
    for character in text {
      for bytes in units(of: character, fitting: maximumWord - overhead) {
        let width = isBase64 ? bytes.count : bytes.reduce(0) { $0 + Self.width(of: $1) }
        let needed = isBase64 ? (piece.count + width + 2) / 3 * 4 : length + width
        if needed > room {
          if piece.isEmpty { words.append("") }
          flush()
          room = maximumWord - overhead
        }
        piece += bytes
        length += width
      }
    }
    flush()
    return words.joined(separator: fold)
  }

  private static func width(of byte: UInt8) -> Int {
    isLiteral(byte) || byte == ASCII.space ? 1 : 3
  }

  /// The bytes of a character, or of its scalars if the character is too long for one word.
  private static func units(of character: Character, fitting room: Int) -> [[UInt8]] {
    let bytes = Array(character.utf8)
    return bytes.count * 3 <= room
      ? [bytes] : character.unicodeScalars.map { Array(String($0).utf8) }
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    "=?UTF-8?B?" + Base64.encode(bytes) + "?="
  }

  private static func quoted(_ bytes: [UInt8]) -> String {
    var text = Array("=?UTF-8?Q?".utf8)
    for byte in bytes {
      if byte == ASCII.space {
        text.append(ASCII.underscore)
      } else if isLiteral(byte) {
        text.append(byte)
      } else {
        text += [ASCII.equals, ASCII.hexDigits[Int(byte >> 4)], ASCII.hexDigits[Int(byte & 0xF)]]
      }
    }
    return String(decoding: text, as: UTF8.self) + "?="
  }

  /// Bytes that need no escape anywhere in a header (RFC 2047 section 5 (3)).
  private static func isLiteral(_ byte: UInt8) -> Bool {
    ASCII.isLetter(byte) || ASCII.isDigit(byte) || "!*+-/".utf8.contains(byte)
  }
}
