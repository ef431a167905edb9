import Basics

/// A strict JSON parser by RFC 8259.
///
/// Reuse one parser for many texts: it keeps its index buffer. Iterative, so nesting uses no stack.
public struct JSONParser: ~Copyable {
  /// The limit of 32-bit offsets.
  static let maximumBytes = Int(UInt32.max)

  let limits: JSONLimits
  private var index = JSONIndex()
  /// The open containers as positions in `index.nodes`, innermost last.
  private var open: [Int] = []

  public init(limits: JSONLimits = JSONLimits()) {
    self.limits = limits
  }

  public mutating func parse(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSON {
    try indexValues(of: text)
    return JSONDocument(copying: text, index: &index).root
  }

  /// The same, for a text that the document keeps instead of a copy.
  mutating func parse(keeping text: [UInt8]) throws(JSONError) -> JSON {
    let outcome = text.withUnsafeBufferPointer { buffer in
      Result { () throws(JSONError) in try indexValues(of: buffer) }
    }
    try outcome.get()
    return JSONDocument(keeping: text, index: &index).root
  }

  private mutating func indexValues(of text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    precondition(text.count <= Self.maximumBytes, "a text of 4 GiB or more")
    index.removeAll()
    open.removeAll(keepingCapacity: true)
    try scan(text)
  }

  // MARK: The scanner

  private enum Expectation { case value, valueOrEnd, nameOrEnd, name, commaOrEnd }

  private mutating func scan(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
    guard let base = text.baseAddress, text.count > 0 else {
      throw syntax("expected a value, found end of input", 0)
    }
    let end = text.count
    var at = 0
    var expecting = Expectation.value
    // Of the innermost container.
    var inObject = false
    while true {
      at = skipWhitespace(base, at, end)
      guard at < end else { throw syntax(unfinished(expecting), at) }
      let byte = base[at]
      switch expecting {
      case .valueOrEnd where byte == UInt8(ascii: "]"), .nameOrEnd where byte == UInt8(ascii: "}"):
        inObject = close(at)
        at += 1
      case .nameOrEnd, .name:
        guard byte == UInt8(ascii: "\"") else { throw syntax("expected a member name", at) }
        at = try scanString(base, at, end)
        at = skipWhitespace(base, at, end)
        guard at < end, base[at] == UInt8(ascii: ":") else {
          throw syntax("expected a colon after a member name", at)
        }
        at += 1
        expecting = .value
        continue
      case .commaOrEnd:
        if byte == UInt8(ascii: ",") {
          at += 1
          expecting = inObject ? .name : .value
          continue
        }
        guard byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw syntax("expected a comma or \(inObject ? "}" : "]")", at)
        }
        inObject = close(at)
        at += 1
      case .value, .valueOrEnd:
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
          guard open.count < limits.depth else {
            throw JSONError(
              code: .tooDeep, reason: "more than \(limits.depth) nested arrays and objects",
              offset: at)
          }
          inObject = byte == UInt8(ascii: "{")
          open.append(index.count)
          try append(inObject ? .object : .array, start: at, length: 0)
          at += 1
          expecting = inObject ? .nameOrEnd : .valueOrEnd
          continue
        case UInt8(ascii: "\""):
          at = try scanString(base, at, end)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
          let start = at
          at = try scanNumber(base, at, end)
          try append(.number, start: start, length: at - start)
        default:
          at = try scanLiteral(base, at, end)
        }
      }
      if open.isEmpty { break }
      expecting = .commaOrEnd
    }
    at = skipWhitespace(base, at, end)
    guard at == end else { throw syntax("unexpected text after the value", at) }
  }

  private func unfinished(_ expecting: Expectation) -> String {
    switch expecting {
    case .value where open.isEmpty: "expected a value, found end of input"
    default: "unterminated array or object"
    }
  }

  @inline(__always)
  private mutating func append(
    _ kind: JSON.Kind, start: Int, length: Int, hasEscapes: Bool = false
  ) throws(JSONError) {
    guard index.count < limits.values else {
      throw JSONError(
        code: .tooManyValues, reason: "more than \(limits.values) values", offset: start)
    }
    index.append(
      JSONNode(
        start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: length),
        next: UInt32(truncatingIfNeeded: index.count + 1), kind: kind,
        hasEscapes: hasEscapes))
  }

  /// Closes the innermost container; its closing bracket is at `at`.
  ///
  /// - Returns: whether the container around it is an object.
  @inline(__always)
  private mutating func close(_ at: Int) -> Bool {
    let container = open.removeLast()
    index[container].length =
      UInt32(truncatingIfNeeded: at + 1)
      - index[container].start
    index[container].next = UInt32(truncatingIfNeeded: index.count)
    return open.last.map { index[$0].kind == .object } ?? false
  }

  @inline(__always)
  private mutating func skipWhitespace(
    _ base: UnsafePointer<UInt8>, _ from: Int, _ end: Int
  ) -> Int {
    var at = from
    while at < end {
      let byte = base[at]
      if byte > 0x20 { break }
      if byte == 0x0A || byte == 0x0D {
        index.hasLineBreaks = true
      } else if byte != 0x20 && byte != 0x09 {
        break
      }
      at += 1
    }
    return at
  }

  // MARK: Tokens

  /// Reads the string with the opening quote at `quote`. Returns the offset after the closing
  /// quote.
  @inline(__always)
  private mutating func scanString(
    _ base: UnsafePointer<UInt8>, _ quote: Int, _ end: Int
  ) throws(JSONError) -> Int {
    let start = quote + 1
    var at = start
    var hasEscapes = false
    while at < end {
      at += JSONString.plainRun(base, at, end)
      guard at < end else { break }
      let byte = base[at]
      if JSONString.isPlain(byte) {
        at += 1
        continue
      }
      if byte == UInt8(ascii: "\"") {
        try append(.string, start: start, length: at - start, hasEscapes: hasEscapes)
        return at + 1
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        at = try skipEscape(base, at, end)
      } else if byte < 0x20 {
        throw syntax("unescaped control character in a string", at)
      } else {
        at = try skipMultibyte(base, at, end)
      }
    }
    throw syntax("unterminated string", end)
  }

  private func skipEscape(
    _ base: UnsafePointer<UInt8>, _ at: Int, _ end: Int
  ) throws(JSONError) -> Int {
    guard at + 1 < end else { throw syntax("unterminated string", end) }
    switch base[at + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return at + 2
    case UInt8(ascii: "u"):
      for digit in 2..<6 {
        guard at + digit < end, hexValue(base[at + digit]) != nil else {
          throw syntax("expected four hexadecimal digits after \\u", at)
        }
      }
      return at + 6
    default:
      throw syntax("invalid escape in a string", at)
    }
  }

  /// Checks one multi-byte UTF-8 sequence (RFC 3629, table of section 4) and returns its end.
  private mutating func skipMultibyte(
    _ base: UnsafePointer<UInt8>, _ at: Int, _ end: Int
  ) throws(JSONError) -> Int {
    let length = UTF8Sequence.length(base + at, available: end - at)
    guard length > 0 else {
      throw JSONError(code: .invalidUTF8, reason: "invalid UTF-8 in a string", offset: at)
    }
    if UTF8Sequence.isLineSeparator(base + at, length: length) { index.hasLineBreaks = true }
    return at + length
  }

  @inline(__always)
  private func scanNumber(
    _ base: UnsafePointer<UInt8>, _ from: Int, _ end: Int
  ) throws(JSONError) -> Int {
    var at = from
    if base[at] == UInt8(ascii: "-") { at += 1 }
    guard at < end, isDigit(base[at]) else { throw syntax("expected a digit", at) }
    if base[at] == UInt8(ascii: "0") {
      at += 1
      guard at == end || !isDigit(base[at]) else {
        throw syntax("leading zero in a number", at)
      }
    } else {
      while at < end, isDigit(base[at]) { at += 1 }
    }
    if at < end, base[at] == UInt8(ascii: ".") {
      at += 1
      guard at < end, isDigit(base[at]) else {
        throw syntax("expected a digit after the decimal point", at)
      }
      while at < end, isDigit(base[at]) { at += 1 }
    }
    if at < end, base[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < end, base[at] == UInt8(ascii: "+") || base[at] == UInt8(ascii: "-") { at += 1 }
      guard at < end, isDigit(base[at]) else {
        throw syntax("expected a digit in the exponent", at)
      }
      while at < end, isDigit(base[at]) { at += 1 }
    }
    return at
  }

  private mutating func scanLiteral(
    _ base: UnsafePointer<UInt8>, _ at: Int, _ end: Int
  ) throws(JSONError) -> Int {
    if let (kind, length) = literal(base + at, available: end - at) {
      try append(kind, start: at, length: length)
      return at + length
    }
    throw base[at] >= 0x80 && UTF8Sequence.length(base + at, available: end - at) == 0
      ? JSONError(code: .invalidUTF8, reason: "invalid UTF-8", offset: at)
      : syntax("expected a value", at)
  }

  private func literal(
    _ text: UnsafePointer<UInt8>, available: Int
  ) -> (JSON.Kind, length: Int)? {
    guard available >= 4 else { return nil }
    switch UnsafeRawPointer(text).loadUnaligned(as: UInt32.self).littleEndian {
    case 0x6575_7274: return (.true, 4)
    case 0x6C6C_756E: return (.null, 4)
    case 0x736C_6166 where available >= 5 && text[4] == UInt8(ascii: "e"): return (.false, 5)
    default: return nil
    }
  }

  private func syntax(_ reason: String, _ offset: Int) -> JSONError {
    JSONError(code: .syntax, reason: reason, offset: offset)
  }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
