import Basics
import Glibc

extension String {
  /// Calls `body` with the UTF-8 bytes. Unlike `withUTF8`, needs no mutable copy of the string.
  @inline(__always)
  func withUTF8Bytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
  }
}

/// Escaping of JSON strings (RFC 8259 section 7).
public enum JSONString {
  /// The position of the first byte from `start` on that is not plain ASCII (no escape needed), or
  /// `end`. Tests eight bytes at a time.
  ///
  /// Each test sets the high bit of a byte that fails it. Later bytes may get false positives, but
  /// only the first set bit counts.
  @inline(__always)
  static func endOfPlainRun(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var at = start
    while end &- at >= 8 {
      let word = UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self).littleEndian
      let ones: UInt64 = 0x0101_0101_0101_0101
      let quotes = word ^ (ones &* 0x22)
      let backslashes = word ^ (ones &* 0x5C)
      let special =
        word | (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes
        | (backslashes &- ones) & ~backslashes
      let marks = special & (ones &* 0x80)
      if marks != 0 { return at &+ marks.trailingZeroBitCount / 8 }
      at &+= 8
    }
    while at < end, isPlain(base[at]) { at &+= 1 }
    return at
  }

  /// Whether a byte is ASCII that needs no escape in a string.
  @inline(__always)
  static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  /// Decodes the content between the quotes of a string that the parser has accepted. An unpaired
  /// surrogate becomes U+FFFD.
  static func decode(_ content: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(content.count)
    decode(content, into: &decoded)
    return decoded
  }

  private static func decode(
    _ content: UnsafeBufferPointer<UInt8>, into decoded: inout [UInt8]
  ) {
    guard let base = content.baseAddress else { return }
    var at = 0
    while at < content.count {
      let rest = content.count - at
      guard let escape = memchr(base + at, Int32(UInt8(ascii: "\\")), rest) else {
        decoded.append(contentsOf: UnsafeBufferPointer(start: base + at, count: rest))
        return
      }
      let run = escape - UnsafeMutableRawPointer(mutating: base + at)
      if run > 0 { decoded.append(contentsOf: UnsafeBufferPointer(start: base + at, count: run)) }
      at += run
      switch content[at + 1] {
      case UInt8(ascii: "b"): decoded.append(0x08)
      case UInt8(ascii: "f"): decoded.append(0x0C)
      case UInt8(ascii: "n"): decoded.append(0x0A)
      case UInt8(ascii: "r"): decoded.append(0x0D)
      case UInt8(ascii: "t"): decoded.append(0x09)
      case UInt8(ascii: "u"):
        var scalar = unit(content, at)
        at += 6
        if scalar & 0xFC00 == 0xD800, at + 6 <= content.count,
          content[at] == UInt8(ascii: "\\"), content[at + 1] == UInt8(ascii: "u")
        {
          let low = unit(content, at)
          if low & 0xFC00 == 0xDC00 {
            scalar = 0x10000 + ((scalar & 0x3FF) << 10 | (low & 0x3FF))
            at += 6
          }
        }
        let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        decoded.append(contentsOf: UTF8.encode(character)!)
        continue
      case let literal: decoded.append(literal)
      }
      at += 2
    }
  }

  /// Larger pieces of a text are searched one after the other, so that the decoded copy stays small.
  private static let searchedBytes = 64 * 1_024

  /// Whether `body` returns true for all pieces of a JSON text: for a search in all strings at once.
  ///
  /// Each string lies within one piece, decoded. NUL may be in place of quotes.
  ///
  /// - Parameter text: one value from a writer.
  public static func allSearchablePieces(
    of text: UnsafeBufferPointer<UInt8>, satisfy body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    guard let base = text.baseAddress else { return true }
    let hasEscapes = memchr(base, Int32(UInt8(ascii: "\\")), text.count) != nil
    return hasEscapes
      ? allDecodedPieces(of: text, satisfy: body) : allPieces(of: text, satisfy: body)
  }

  /// Without escapes, every quote is the start or the end of a string.
  private static func allPieces(
    of text: UnsafeBufferPointer<UInt8>, satisfy body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    var start = 0
    while start < text.count {
      let end = quote(in: text, from: start + searchedBytes) ?? text.count
      guard body(UnsafeBufferPointer(rebasing: text[start..<end])) else { return false }
      start = end
    }
    return true
  }

  private static func allDecodedPieces(
    of text: UnsafeBufferPointer<UInt8>, satisfy body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    guard let base = text.baseAddress else { return true }
    var piece: [UInt8] = []
    piece.reserveCapacity(min(text.count, 2 * searchedBytes))
    var copied = 0
    while let quote = quote(in: text, from: copied) {
      let start = quote + 1
      let end = endOfContent(base, start, text.count)
      piece.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied..<quote]))
      piece.append(0)
      decode(UnsafeBufferPointer(rebasing: text[start..<end]), into: &piece)
      piece.append(0)
      copied = end + 1
      if piece.count >= searchedBytes {
        guard piece.withUnsafeBufferPointer(body) else { return false }
        piece.removeAll(keepingCapacity: true)
      }
    }
    if copied < text.count {
      piece.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied...]))
    }
    return piece.withUnsafeBufferPointer(body)
  }

  private static func quote(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard start < text.count, let base = text.baseAddress,
      let quote = memchr(base + start, Int32(UInt8(ascii: "\"")), text.count - start)
    else { return nil }
    return quote - UnsafeMutableRawPointer(mutating: base)
  }

  /// The position of the closing quote.
  private static func endOfContent(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int
  ) -> Int {
    var at = start
    while at < end {
      at = endOfPlainRun(base, at, end)
      guard at < end, base[at] != UInt8(ascii: "\"") else { break }
      at += base[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(at, end)
  }

  private static func unit(_ content: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32 {
    (2..<6).reduce(0) { value, digit in value << 4 | (hexValue(content[at + digit]) ?? 0) }
  }

  private static let hexDigits: StaticString = "0123456789abcdef"

  /// Appends `text` to `output` in quotes. Escapes the characters that RFC 8259 requires, and
  /// U+0085, U+2028 and U+2029, which some readers treat as line ends.
  static func encode(_ text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) {
    output.append(UInt8(ascii: "\""))
    encodeContent(text, into: &output)
    output.append(UInt8(ascii: "\""))
  }

  /// The same without the quotes.
  static func encodeContent(_ text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) {
    var runStart = 0
    var at = 0
    guard let base = text.baseAddress else { return }
    let count = text.count
    while at < count {
      at = endOfPlainRun(base, at, count)
      guard at < count else { break }
      let byte = base[at]
      if byte >= 0x80 {
        guard let length = separatorLength(text, at) else {
          at += 1
          continue
        }
        output.append(UnsafeBufferPointer(start: base + runStart, count: at - runStart))
        appendUnit(length == 2 ? 0x0085 : 0x2000 | UInt32(text[at + 2] & 0x3F), to: &output)
        at += length
      } else {
        output.append(UnsafeBufferPointer(start: base + runStart, count: at - runStart))
        appendEscape(byte, to: &output)
        at += 1
      }
      runStart = at
    }
    output.append(UnsafeBufferPointer(start: base + runStart, count: count - runStart))
  }

  /// Copies the content of a string token. Keeps its escapes and escapes raw line separators.
  static func copyEscapingSeparators(
    _ content: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer
  ) {
    guard let base = content.baseAddress else { return }
    var runStart = 0
    var at = 0
    while at < content.count {
      at += asciiRun(base, at, content.count)
      guard at < content.count else { break }
      guard content[at] >= 0x80, let length = separatorLength(content, at) else {
        at += 1
        continue
      }
      output.append(UnsafeBufferPointer(start: base + runStart, count: at - runStart))
      appendUnit(length == 2 ? 0x0085 : 0x2000 | UInt32(content[at + 2] & 0x3F), to: &output)
      at += length
      runStart = at
    }
    output.append(UnsafeBufferPointer(start: base + runStart, count: content.count - runStart))
  }

  /// The number of ASCII bytes from `at`, counted in steps of eight bytes.
  private static func asciiRun(_ base: UnsafePointer<UInt8>, _ at: Int, _ end: Int) -> Int {
    var position = at
    while position + 8 <= end {
      let word = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self).littleEndian
      let marks = word & 0x8080_8080_8080_8080
      if marks != 0 { return position + marks.trailingZeroBitCount / 8 - at }
      position += 8
    }
    return position - at
  }

  private static func separatorLength(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    let length = text[at] == 0xC2 ? 2 : text[at] == 0xE2 ? 3 : 0
    guard length > 0, at + length <= text.count, let base = text.baseAddress else { return nil }
    return UTF8Sequence.isLineSeparator(base + at, length: length) ? length : nil
  }

  private static func appendEscape(_ byte: UInt8, to output: inout ByteBuffer) {
    output.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
    case 0x08: output.append(UInt8(ascii: "b"))
    case 0x09: output.append(UInt8(ascii: "t"))
    case 0x0A: output.append(UInt8(ascii: "n"))
    case 0x0C: output.append(UInt8(ascii: "f"))
    case 0x0D: output.append(UInt8(ascii: "r"))
    default: appendHex(UInt32(byte), to: &output)
    }
  }

  private static func appendUnit(_ unit: UInt32, to output: inout ByteBuffer) {
    output.append(UInt8(ascii: "\\"))
    appendHex(unit, to: &output)
  }

  /// Appends `u` and four digits.
  private static func appendHex(_ unit: UInt32, to output: inout ByteBuffer) {
    output.append(UInt8(ascii: "u"))
    for shift in [12, 8, 4, 0] as [UInt32] {
      output.append(hexDigits.utf8Start[Int(unit >> shift & 0xF)])
    }
  }
}
