import Basics

/// A strict JSON parser by RFC 8259.
///
/// Reuse one parser for many texts: it keeps its index buffer, and the memory of its last document.
/// Iterative, so nesting uses no stack.
public struct JSONParser: ~Copyable {
  /// The limit of 32-bit offsets.
  static let maximumBytes = Int(UInt32.max)

  let limits: JSONLimits
  private var index = JSONIndex()
  /// The last document, if it is small. Its memory is used again when nobody else has it.
  private var spare: JSONDocument?

  public init(limits: JSONLimits = JSONLimits()) {
    self.limits = limits
  }

  public mutating func parse(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSON {
    try indexValues(of: text)
    if isKnownUniquelyReferenced(&spare), let spare, spare.replace(by: text, index) {
      return spare.root
    }
    let document = JSONDocument(copying: text, index: &index)
    spare = document.isReusable ? document : nil
    return document.root
  }

  /// The same, for a text that the document keeps instead of a copy (`JSONDocument.keeps`).
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
    guard let base = text.baseAddress, text.count > 0 else {
      throw JSONError(
        code: .syntax, reason: "expected a value, found end of input", offset: 0)
    }
    var scanner = JSONScanner(base, count: text.count, limits)
    try scanner.scan(into: &index)
  }
}

/// One pass over a text, which appends its values to an index.
private struct JSONScanner: ~Copyable {
  private let base: UnsafePointer<UInt8>
  private let end: Int
  private let limits: JSONLimits
  private var at = 0
  private var depth = 0
  /// The innermost open container. The field `next` of an open container is the one around it.
  private var container = JSONScanner.noContainer

  private static let noContainer = UInt32.max

  init(_ base: UnsafePointer<UInt8>, count: Int, _ limits: JSONLimits) {
    self.base = base
    end = count
    self.limits = limits
  }

  /// - Throws: for the first error of the text.
  mutating func scan(into index: inout JSONIndex) throws(JSONError) {
    // Of the innermost container.
    var inObject = false
    while true {
      if inObject { try scanName(&index) }
      skipWhitespace(&index)
      guard at < end else { throw unfinished() }
      switch base[at] {
      case UInt8(ascii: "\""):
        try scanString(&index)
      case UInt8(ascii: "{"):
        try open(.object, &index)
        if base[at] != UInt8(ascii: "}") {
          inObject = true
          continue
        }
        inObject = close(&index)
      case UInt8(ascii: "["):
        try open(.array, &index)
        if base[at] != UInt8(ascii: "]") {
          inObject = false
          continue
        }
        inObject = close(&index)
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        try scanNumber(&index)
      default:
        try scanLiteral(&index)
      }
      // After a value.
      while true {
        skipWhitespace(&index)
        guard container != Self.noContainer else {
          guard at == end else { throw syntax("unexpected text after the value", at) }
          return
        }
        guard at < end else { throw unfinished() }
        if base[at] == UInt8(ascii: ",") { break }
        guard base[at] == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw syntax("expected a comma or \(inObject ? "}" : "]")", at)
        }
        inObject = close(&index)
      }
      at += 1
    }
  }

  // MARK: Structure

  /// Opens the container at `at`, and moves to the next token.
  @inline(__always)
  private mutating func open(
    _ kind: JSON.Kind, _ index: inout JSONIndex
  ) throws(JSONError) {
    guard depth < limits.depth else {
      throw JSONError(
        code: .tooDeep, reason: "more than \(limits.depth) nested arrays and objects", offset: at)
    }
    let position = UInt32(truncatingIfNeeded: index.count)
    try append(kind, at, 0, next: container, &index)
    container = position
    depth += 1
    at += 1
    skipWhitespace(&index)
    guard at < end else { throw unfinished() }
  }

  /// Closes the innermost container, whose bracket is at `at`.
  ///
  /// - Returns: whether the container around it is an object.
  @inline(__always)
  private mutating func close(_ index: inout JSONIndex) -> Bool {
    at += 1
    depth -= 1
    container = index.close(container, end: at)
    return container != Self.noContainer && index[Int(container)].kind == .object
  }

  /// Reads a member name and the colon.
  @inline(__always)
  private mutating func scanName(_ index: inout JSONIndex) throws(JSONError) {
    skipWhitespace(&index)
    guard at < end else { throw unfinished() }
    guard base[at] == UInt8(ascii: "\"") else { throw syntax("expected a member name", at) }
    try scanString(&index)
    skipWhitespace(&index)
    guard at < end, base[at] == UInt8(ascii: ":") else {
      throw syntax("expected a colon after a member name", at)
    }
    at += 1
  }

  @inline(__always)
  private func append(
    _ kind: JSON.Kind, _ start: Int, _ length: Int, hasEscapes: Bool = false,
    next: UInt32? = nil, _ index: inout JSONIndex
  ) throws(JSONError) {
    guard index.count < limits.values else {
      throw JSONError(
        code: .tooManyValues, reason: "more than \(limits.values) values", offset: start)
    }
    index.append(
      JSONNode(
        start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: length),
        next: next ?? UInt32(truncatingIfNeeded: index.count + 1), kind: kind,
        hasEscapes: hasEscapes))
  }

  @inline(__always)
  private mutating func skipWhitespace(_ index: inout JSONIndex) {
    while at < end, base[at] <= 0x20 {
      let byte = base[at]
      if byte == 0x0A || byte == 0x0D {
        index.hasLineBreaks = true
      } else if byte != 0x20 && byte != 0x09 {
        return
      }
      at += 1
    }
  }

  // MARK: Tokens

  /// Reads the string whose opening quote is at `at`.
  @inline(__always)
  private mutating func scanString(_ index: inout JSONIndex) throws(JSONError) {
    let start = at + 1
    at = JSONString.endOfPlainRun(base, start, end)
    var hasEscapes = false
    while at >= end || base[at] != UInt8(ascii: "\"") {
      try skipSpecial(&hasEscapes, &index)
      at = JSONString.endOfPlainRun(base, at, end)
    }
    try append(.string, start, at - start, hasEscapes: hasEscapes, &index)
    at += 1
  }

  /// Reads what follows a plain run in a string: an escape or a multi-byte sequence.
  @inline(never)
  private mutating func skipSpecial(
    _ hasEscapes: inout Bool, _ index: inout JSONIndex
  ) throws(JSONError) {
    guard at < end else { throw syntax("unterminated string", end) }
    if base[at] == UInt8(ascii: "\\") {
      hasEscapes = true
      try skipEscape()
    } else if base[at] < 0x20 {
      throw syntax("unescaped control character in a string", at)
    } else {
      try skipMultibyte(&index)
    }
  }

  private mutating func skipEscape() throws(JSONError) {
    guard at + 1 < end else { throw syntax("unterminated string", end) }
    switch base[at + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      at += 2
    case UInt8(ascii: "u"):
      for digit in 2..<6 {
        guard at + digit < end, hexValue(base[at + digit]) != nil else {
          throw syntax("expected four hexadecimal digits after \\u", at)
        }
      }
      at += 6
    default:
      throw syntax("invalid escape in a string", at)
    }
  }

  /// Checks one multi-byte UTF-8 sequence (RFC 3629, table of section 4).
  private mutating func skipMultibyte(_ index: inout JSONIndex) throws(JSONError) {
    let length = UTF8Sequence.length(base + at, available: end - at)
    guard length > 0 else {
      throw JSONError(code: .invalidUTF8, reason: "invalid UTF-8 in a string", offset: at)
    }
    if UTF8Sequence.isLineSeparator(base + at, length: length) { index.hasLineBreaks = true }
    at += length
  }

  @inline(__always)
  private mutating func scanNumber(_ index: inout JSONIndex) throws(JSONError) {
    let start = at
    if base[at] == UInt8(ascii: "-") { at += 1 }
    guard at < end, isDigit(base[at]) else { throw syntax("expected a digit", at) }
    if base[at] == UInt8(ascii: "0") {
      at += 1
      guard at == end || !isDigit(base[at]) else {
        throw syntax("leading zero in a number", at)
      }
    } else {
      skipDigits()
    }
    if at < end, base[at] == UInt8(ascii: ".") || base[at] | 0x20 == UInt8(ascii: "e") {
      try scanFraction()
    }
    try append(.number, start, at - start, &index)
  }

  /// Reads the fraction and the exponent of a number.
  @inline(never)
  private mutating func scanFraction() throws(JSONError) {
    if base[at] == UInt8(ascii: ".") {
      at += 1
      guard at < end, isDigit(base[at]) else {
        throw syntax("expected a digit after the decimal point", at)
      }
      skipDigits()
    }
    if at < end, base[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < end, base[at] == UInt8(ascii: "+") || base[at] == UInt8(ascii: "-") { at += 1 }
      guard at < end, isDigit(base[at]) else {
        throw syntax("expected a digit in the exponent", at)
      }
      skipDigits()
    }
  }

  @inline(__always)
  private mutating func skipDigits() {
    while at < end, isDigit(base[at]) { at += 1 }
  }

  @inline(__always)
  private mutating func scanLiteral(_ index: inout JSONIndex) throws(JSONError) {
    guard let (kind, length) = literal(base + at, available: end - at) else {
      throw base[at] >= 0x80 && UTF8Sequence.length(base + at, available: end - at) == 0
        ? JSONError(code: .invalidUTF8, reason: "invalid UTF-8", offset: at)
        : syntax("expected a value", at)
    }
    try append(kind, at, length, &index)
    at += length
  }

  @inline(__always)
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

  // MARK: Errors

  @inline(never)
  private func unfinished() -> JSONError {
    syntax(
      container == Self.noContainer
        ? "expected a value, found end of input" : "unterminated array or object", at)
  }

  @inline(never)
  private func syntax(_ reason: String, _ offset: Int) -> JSONError {
    JSONError(code: .syntax, reason: reason, offset: offset)
  }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
