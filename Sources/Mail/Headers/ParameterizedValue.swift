import Basics

/// A header value with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC
/// 2183), including the continuations and encodings of RFC 2231.
package struct ParameterizedValue: Sendable {
  /// The part before the first semicolon, in lower case, without comments.
  package let value: String
  private let reader: ParameterReader

  /// Maximum number of parts of one parameter (RFC 2231 section 3).
  private static let maximumSegments = 1_000

  init(_ text: [UInt8]) {
    var reader = ParameterReader(text: text)
    value = reader.leadingValue()
    self.reader = reader
  }

  /// The decoded value of a parameter. The name must be in lower case.
  package subscript(name: String) -> String? { values(of: [name])[0] }

  /// The decoded values of parameters, in one pass. The names must be in lower case.
  ///
  /// Other parameters are skipped, not kept: many short ones would cost many times the size of the
  /// header, and a limit on their number would hide those behind it.
  func values(of names: [String]) -> [String?] {
    var reader = self.reader
    var wanted = names.map { Array($0.utf8) }
    var found = [[ParameterSegment]](repeating: [], count: names.count)
    var bytes = 0
    while bytes <= MailHeader.maximumBytes, let segment = reader.next(wanted) {
      guard let position = names.firstIndex(of: segment.name) else { continue }
      found[position].append(segment)
      bytes += segment.value.count
      if found[position].count == Self.maximumSegments {
        wanted.removeAll { $0.elementsEqual(segment.name.utf8) }
      }
    }
    return found.map { $0.isEmpty ? nil : ParameterSegment.join($0) }
  }
}

/// A parameter, or one part of a continued parameter.
private struct ParameterSegment {
  /// The name in lower case, without the suffixes of RFC 2231.
  let name: String
  /// The number of a continuation `name*N`; nil for a complete parameter.
  let index: Int?
  /// Percent-encoded (`name*`, `name*N*`).
  let isExtended: Bool
  let value: [UInt8]

  /// Prefers an encoded parameter to its plain form, which is for readers without RFC 2231.
  static func join(_ segments: [ParameterSegment]) -> String {
    if let whole = segments.first(where: { $0.index == nil && $0.isExtended }) {
      return decode([whole])
    }
    var continued: [ParameterSegment] = []
    for segment in segments.filter({ $0.index != nil }).sorted(by: { $0.index ?? 0 < $1.index ?? 0 }
    )
    where segment.index == continued.count {
      continued.append(segment)
    }
    if !continued.isEmpty { return decode(continued) }
    // RFC 2047 section 5 forbids encoded words here, but many senders use them.
    return segments.first.map { EncodedWords.decode($0.value) } ?? ""
  }

  /// Joins the bytes before decoding, because a character may be split (RFC 2231 section 4.1).
  private static func decode(_ segments: [ParameterSegment]) -> String {
    var bytes: [UInt8] = []
    var charset: String?
    for (position, segment) in segments.enumerated() {
      guard segment.isExtended else {
        bytes += segment.value
        continue
      }
      var value = segment.value[...]
      if position == 0 {
        let parts = value.split(
          separator: ASCII.apostrophe, maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count == 3 {
          charset = String(decoding: parts[0], as: UTF8.self)
          value = parts[2]
        }
      }
      bytes += percentDecoded(value)
    }
    if charset == nil, !segments.contains(where: \.isExtended) { return EncodedWords.decode(bytes) }
    return Charset.decode(bytes, named: charset)
  }

  private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    var at = text.startIndex
    while at < text.endIndex {
      if text[at] == ASCII.percent, at + 2 < text.endIndex,
        let high = ASCII.hexValue(text[at + 1]), let low = ASCII.hexValue(text[at + 2])
      {
        decoded.append(high << 4 | low)
        at += 3
      } else {
        decoded.append(text[at])
        at += 1
      }
    }
    return decoded
  }
}

/// Reads `value; name=value; name="value"`, including common malformed forms.
private struct ParameterReader {
  let text: [UInt8]
  var at = 0

  init(text: [UInt8]) { self.text = text }

  mutating func leadingValue() -> String {
    var value: [UInt8] = []
    while at < text.count, text[at] != ASCII.semicolon {
      if text[at] == ASCII.open {
        at = CommentReader.end(text, at)
      } else {
        if value.count < MailHeader.maximumBytes { value.append(ASCII.lowercased(text[at])) }
        at += 1
      }
    }
    return String(decoding: ASCII.trimmed(value).prefix(MailHeader.maximumNameBytes), as: UTF8.self)
  }

  /// The next parameter, or part of one, with one of the names; skips others.
  mutating func next(_ names: [[UInt8]]) -> ParameterSegment? {
    var name: [UInt8] = []
    while at < text.count {
      skipSeparators()
      readName(&name)
      guard at < text.count, text[at] == ASCII.equals else { continue }
      at += 1
      while at < text.count, ASCII.isWhiteSpace(text[at]) { at += 1 }
      let isWanted = names.contains { wanted in
        name.starts(with: wanted)
          && (name.count == wanted.count || name[wanted.count] == ASCII.star)
      }
      let isQuoted = at < text.count && text[at] == ASCII.quote
      guard isWanted else {
        if isQuoted { _ = quoted(keepsValue: false) } else { _ = tokenRange() }
        continue
      }
      return Self.segment(name, isQuoted ? quoted(keepsValue: true) : token())
    }
    return nil
  }

  private mutating func readName(_ name: inout [UInt8]) {
    name.removeAll(keepingCapacity: true)
    while at < text.count, text[at] != ASCII.equals, text[at] != ASCII.semicolon {
      if name.count < MailHeader.maximumNameBytes, !ASCII.isWhiteSpace(text[at]) {
        name.append(ASCII.lowercased(text[at]))
      }
      at += 1
    }
  }

  private mutating func skipSeparators() {
    while at < text.count {
      if text[at] == ASCII.open {
        at = CommentReader.end(text, at)
      } else if text[at] == ASCII.semicolon || ASCII.isWhiteSpace(text[at]) {
        at += 1
      } else {
        return
      }
    }
  }

  /// Unescapes only quotes and backslashes, because names such as `C:\new` occur.
  private mutating func quoted(keepsValue: Bool) -> [UInt8] {
    var value: [UInt8] = []
    at += 1
    while at < text.count, text[at] != ASCII.quote {
      if text[at] == ASCII.backslash, at + 1 < text.count,
        text[at + 1] == ASCII.quote || text[at + 1] == ASCII.backslash
      {
        at += 1
      }
      if keepsValue, value.count < MailHeader.maximumBytes {
        value.append(text[at] == HeaderText.fold ? ASCII.space : text[at])
      }
      at += 1
    }
    while at < text.count, text[at] != ASCII.semicolon { at += 1 }
    return value
  }

  /// Reads to the next semicolon, or to the next `name=` if the semicolon is missing: unquoted
  /// values with spaces occur. Drops a comment at the end.
  private mutating func token() -> [UInt8] {
    var value = ASCII.trimmed(text[tokenRange()]).prefix(MailHeader.maximumBytes)
    if value.last == ASCII.close,
      let comment = value.indices.first(where: {
        value[$0] == ASCII.open && $0 > value.startIndex && ASCII.isWhiteSpace(value[$0 - 1])
      })
    {
      value = ASCII.trimmed(value[..<comment])
    }
    return value.map { $0 == HeaderText.fold ? ASCII.space : $0 }
  }

  private mutating func tokenRange() -> Range<Int> {
    let start = at
    while at < text.count, text[at] != ASCII.semicolon, !startsParameter() { at += 1 }
    return start..<at
  }

  /// Whether a word followed by `=` starts here, after white space.
  private func startsParameter() -> Bool {
    guard ASCII.isLetter(text[at]), ASCII.isWhiteSpace(text[at - 1]) else { return false }
    var end = at
    while end < text.count, MediaType.isToken(text[end]) { end += 1 }
    return end < text.count && text[end] == ASCII.equals
  }

  private static func segment(_ name: [UInt8], _ value: [UInt8]) -> ParameterSegment {
    var parts = name.split(separator: ASCII.star, omittingEmptySubsequences: false)
    let isExtended = parts.count > 1 && parts.last?.isEmpty == true
    if isExtended { parts.removeLast() }
    let digits = parts.count == 2 ? String(decoding: parts[1], as: UTF8.self) : ""
    guard parts.count == 1 || Int(digits) != nil else {
      let name = String(decoding: name, as: UTF8.self)
      return ParameterSegment(name: name, index: nil, isExtended: false, value: value)
    }
    return ParameterSegment(
      name: String(decoding: parts[0], as: UTF8.self), index: Int(digits), isExtended: isExtended,
      value: value)
  }
}
