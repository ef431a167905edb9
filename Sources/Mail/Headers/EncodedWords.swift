/// Encoded words in header text (RFC 2047).
enum EncodedWords {
  /// The text with its encoded words decoded.
  ///
  /// Removes white space between two words and joins characters that are split over adjacent words.
  /// Words in unknown character sets and text that only looks like a word stay unchanged. Spaces
  /// and folds inside a word are accepted, as are words that touch other text.
  static func decode(_ text: [UInt8]) -> String {
    var reader = Reader(text: text)
    return reader.decode()
  }

  /// One word: `=?charset*language?encoding?text?=`.
  struct Word {
    let charset: String
    let isBase64: Bool
    let text: Range<Int>
    /// The position after `?=`.
    let end: Int

    /// The decoded bytes, in the character set of the word.
    func bytes(in source: [UInt8]) -> [UInt8] {
      if isBase64 { return LenientBase64.decode(Array(source[text])) }
      var bytes: [UInt8] = []
      var at = text.lowerBound
      while at < text.upperBound {
        let byte = source[at]
        at += 1
        switch byte {
        case ASCII.underscore: bytes.append(ASCII.space)
        case HeaderText.fold: continue
        case ASCII.equals:
          if at + 1 < text.upperBound, let high = ASCII.hexValue(source[at]),
            let low = ASCII.hexValue(source[at + 1])
          {
            bytes.append(high << 4 | low)
            at += 2
          } else {
            bytes.append(byte)
          }
        default: bytes.append(byte)
        }
      }
      return bytes
    }
  }

  /// Finds words. Remembers where no end follows, so that it does not search again.
  struct Scanner {
    private static let maximumCharset = 60
    /// Maximum length of a word's text in bytes. Longer text is not a word.
    let maximumText: Int
    private var noEndFrom = Int.max

    init(maximumText: Int = .max) { self.maximumText = maximumText }

    /// The word that starts at `start`.
    mutating func word(_ source: [UInt8], at start: Int) -> Word? {
      guard start + 1 < source.count, source[start] == ASCII.equals,
        source[start + 1] == ASCII.question
      else { return nil }
      var at = start + 2
      while at < source.count, source[at] != ASCII.question {
        guard source[at] > ASCII.space, at - start <= Self.maximumCharset else { return nil }
        at += 1
      }
      let charset = source[(start + 2)..<at]
      guard at + 2 < source.count, source[at + 2] == ASCII.question, !charset.isEmpty else {
        return nil
      }
      let encoding = ASCII.lowercased(source[at + 1])
      guard encoding == UInt8(ascii: "b") || encoding == UInt8(ascii: "q") else { return nil }
      let textStart = at + 3
      guard let textEnd = end(source, from: textStart) else { return nil }
      return Word(
        charset: String(decoding: charset.prefix { $0 != ASCII.star }, as: UTF8.self),
        isBase64: encoding == UInt8(ascii: "b"), text: textStart..<textEnd, end: textEnd + 2)
    }

    private mutating func end(_ source: [UInt8], from start: Int) -> Int? {
      guard start < noEndFrom else { return nil }
      var at = start
      while at + 1 < source.count {
        if source[at] == ASCII.question, source[at + 1] == ASCII.equals { return at }
        guard at - start < maximumText else { return nil }
        at += 1
      }
      noEndFrom = start
      return nil
    }
  }

  private struct Reader {
    let text: [UInt8]
    var scanner = Scanner()
    var decoded = ""
    /// Plain text that is not written yet.
    var literal: [UInt8] = []
    /// Bytes of the preceding words, all in one character set.
    var pending: (charset: String, bytes: [UInt8])?
    /// Caches the last lookup of a character set: a lookup per word is expensive.
    var known: (charset: String, isKnown: Bool) = ("", false)

    init(text: [UInt8]) { self.text = text }

    mutating func decode() -> String {
      var at = 0
      while at < text.count {
        if text[at] == ASCII.equals, let word = scanner.word(text, at: at) {
          if isKnown(word.charset) { take(word) } else { append(at..<word.end) }
          at = word.end
        } else {
          append(at..<(at + 1))
          at += 1
        }
      }
      flushWords()
      flushLiteral()
      return decoded
    }

    private mutating func append(_ range: Range<Int>) {
      for byte in text[range] { literal.append(byte == HeaderText.fold ? ASCII.space : byte) }
    }

    private mutating func isKnown(_ charset: String) -> Bool {
      if known.charset != charset { known = (charset, Charset.isKnown(charset)) }
      return known.isKnown
    }

    private mutating func take(_ word: Word) {
      if let last = pending, literal.allSatisfy(ASCII.isWhiteSpace) {
        literal.removeAll()
        if ASCII.equalsWithoutCase(last.charset, word.charset) {
          pending?.bytes += word.bytes(in: text)
          return
        }
      }
      flushWords()
      flushLiteral()
      pending = (word.charset, word.bytes(in: text))
    }

    private mutating func flushWords() {
      guard let last = pending else { return }
      pending = nil
      decoded += Charset.decode(last.bytes, named: last.charset)
    }

    private mutating func flushLiteral() {
      decoded += String(decoding: literal, as: UTF8.self)
      literal.removeAll()
    }
  }
}
