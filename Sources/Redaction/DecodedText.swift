import Basics

/// A text without the escapes of JSON and the character references of HTML.
///
/// Writers differ in the characters that they escape. Searching the decoded text finds a secret whatever
/// was escaped; escapes inside escapes take another round.
struct DecodedText {
  private(set) var bytes: [UInt8] = []
  /// Where a run of bytes starts, here and in the text. A decoded character is a run.
  private var starts: [(here: UInt32, source: UInt32)] = []
  private let sourceCount: Int

  /// Nil if there is nothing to decode.
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    guard text.count < Int(UInt32.max) else { return nil }
    sourceCount = text.count
    guard let base = text.baseAddress else { return nil }
    var copied = 0
    var at = 0
    while at < text.count {
      guard base[at] == UInt8(ascii: "\\") || base[at] == UInt8(ascii: "&"),
        let escape = Escape(in: text, at: at)
      else {
        at += 1
        continue
      }
      if starts.isEmpty { bytes.reserveCapacity(text.count) }
      if at > copied { appendRun(UnsafeBufferPointer(rebasing: text[copied..<at]), from: copied) }
      appendRun(UTF8.encode(escape.scalar) ?? .init(), from: at)
      at += escape.length
      copied = at
    }
    guard !starts.isEmpty else { return nil }
    if copied < text.count {
      appendRun(UnsafeBufferPointer(rebasing: text[copied...]), from: copied)
    }
  }

  private mutating func appendRun(_ run: some Sequence<UInt8>, from source: Int) {
    starts.append((UInt32(bytes.count), UInt32(source)))
    bytes.append(contentsOf: run)
  }

  /// The place of decoded bytes in the text.
  func source(of range: Range<Int>) -> Range<Int> {
    let first = run(of: range.lowerBound)
    let last = run(of: range.upperBound - 1)
    return position(range.lowerBound, in: first)..<end(range.upperBound, in: last)
  }

  private func run(of here: Int) -> Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(starts[middle].here) <= here { low = middle } else { high = middle }
    }
    return low
  }

  private func bounds(of run: Int) -> (here: Range<Int>, source: Range<Int>) {
    let next = run + 1
    let isLast = next == starts.count
    return (
      Int(starts[run].here)..<(isLast ? bytes.count : Int(starts[next].here)),
      Int(starts[run].source)..<(isLast ? sourceCount : Int(starts[next].source))
    )
  }

  /// A run with equal lengths is a copy; a part of a decoded character is the whole of it.
  private func position(_ here: Int, in run: Int) -> Int {
    let (own, source) = bounds(of: run)
    return own.count == source.count ? source.lowerBound + here - own.lowerBound : source.lowerBound
  }

  private func end(_ here: Int, in run: Int) -> Int {
    let (own, source) = bounds(of: run)
    return own.count == source.count ? source.lowerBound + here - own.lowerBound : source.upperBound
  }
}

/// One escape of JSON (RFC 8259 section 7) or one character reference of HTML.
private struct Escape {
  let scalar: Unicode.Scalar
  let length: Int

  init?(in text: UnsafeBufferPointer<UInt8>, at start: Int) {
    let found =
      text[start] == UInt8(ascii: "&")
      ? Self.reference(in: text, at: start) : Self.json(in: text, at: start)
    guard let found else { return nil }
    (scalar, length) = found
  }

  // MARK: JSON

  private static func json(
    in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> (Unicode.Scalar, Int)? {
    guard start + 1 < text.count else { return nil }
    switch text[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return (Unicode.Scalar(text[start + 1]), 2)
    case UInt8(ascii: "b"): return ("\u{08}", 2)
    case UInt8(ascii: "f"): return ("\u{0C}", 2)
    case UInt8(ascii: "n"): return ("\n", 2)
    case UInt8(ascii: "r"): return ("\r", 2)
    case UInt8(ascii: "t"): return ("\t", 2)
    case UInt8(ascii: "u"):
      guard let high = unit(in: text, at: start) else { return nil }
      if let scalar = Unicode.Scalar(high) { return (scalar, 6) }
      guard UTF16.isLeadSurrogate(UInt16(high)), let low = unit(in: text, at: start + 6),
        UTF16.isTrailSurrogate(UInt16(low)),
        let scalar = Unicode.Scalar(0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { return nil }
      return (scalar, 12)
    default: return nil
    }
  }

  /// The code unit of `\uXXXX`.
  private static func unit(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> UInt32? {
    guard start + 6 <= text.count, text[start] == UInt8(ascii: "\\"),
      text[start + 1] == UInt8(ascii: "u")
    else { return nil }
    return number(text[(start + 2)..<(start + 6)], radix: 16)
  }

  /// Nil for other characters than digits, for no digits, and beyond eight.
  private static func number(
    _ digits: Slice<UnsafeBufferPointer<UInt8>>, radix: UInt32
  ) -> UInt32? {
    guard (1...8).contains(digits.count) else { return nil }
    var number: UInt32 = 0
    for digit in digits {
      guard let value = hexValue(digit), value < radix else { return nil }
      number = number &* radix &+ value
    }
    return number
  }

  // MARK: HTML

  private static let maximumReferenceBytes = 12

  private static func reference(
    in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> (Unicode.Scalar, Int)? {
    let rest = text[(start + 1)..<min(text.count, start + maximumReferenceBytes)]
    guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let name = text[(start + 1)..<end]
    let length = end + 1 - start
    guard name.first == UInt8(ascii: "#") else {
      return names[String(decoding: name, as: UTF8.self)].map { ($0, length) }
    }
    let digits = name.dropFirst()
    let isHexadecimal = digits.first == UInt8(ascii: "x") || digits.first == UInt8(ascii: "X")
    let value =
      isHexadecimal ? number(digits.dropFirst(), radix: 16) : number(digits, radix: 10)
    return value.flatMap(Unicode.Scalar.init).map { ($0, length) }
  }

  /// The names of the special characters, and of U+00A0 to U+00FF in their order (HTML, section
  /// "Named character references").
  private static let names: [String: Unicode.Scalar] = {
    var names: [String: Unicode.Scalar] = [
      "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "sol": "/", "equals": "=",
      "plus": "+", "euro": "\u{20AC}",
    ]
    let latin =
      """
      nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn \
      sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave \
      Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
      ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN \
      szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute \
      icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml \
      yacute thorn yuml
      """
    for (position, name) in latin.split(separator: " ").enumerated() {
      names[String(name)] = Unicode.Scalar(UInt32(0xA0 + position))
    }
    return names
  }()
}
