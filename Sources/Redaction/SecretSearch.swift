import Glibc
import JSON

/// Finds and replaces the secrets that were known when it was made.
package struct SecretSearch: Sendable {
  package static let nothing = SecretSearch([])

  private let segments: [SecretPatterns]

  init(_ segments: [SecretPatterns]) { self.segments = segments }

  static func + (first: SecretSearch, second: SecretSearch) -> SecretSearch {
    SecretSearch(first.segments + second.segments)
  }

  package var isEmpty: Bool { segments.isEmpty }

  // MARK: Text

  package func redact(_ text: String) -> String {
    guard !isEmpty, let clean = replacingMatches(in: Array(text.utf8)) else { return text }
    return String(decoding: clean, as: UTF8.self)
  }

  package func redact(_ bytes: [UInt8]) -> [UInt8] { replacingMatches(in: bytes) ?? bytes }

  /// Replaces each match with `[redacted]`; nil if there is no match. Overlapping matches are
  /// replaced as one.
  private func replacingMatches(in text: [UInt8]) -> [UInt8]? {
    let matches = text.withUnsafeBufferPointer { self.matches(in: $0) }
    guard !matches.isEmpty else { return nil }
    var clean: [UInt8] = []
    clean.reserveCapacity(text.count)
    var at = 0
    for match in matches {
      clean.append(contentsOf: text[at..<match.lowerBound])
      clean.append(contentsOf: Redactor.replacement.utf8)
      at = match.upperBound
    }
    clean.append(contentsOf: text[at...])
    return clean
  }

  /// The matches in order, without overlaps.
  private func matches(in text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    var found: [Range<Int>] = []
    for segment in segments { segment.find(in: text) { found.append($0) } }
    findWrapped(in: text, &found)
    findEscaped(in: text, rounds: Self.decodingRounds, &found)
    guard found.count > 1 else { return found }
    found.sort { $0.lowerBound < $1.lowerBound }
    var joined: [Range<Int>] = []
    for match in found {
      if let last = joined.last, match.lowerBound < last.upperBound {
        joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, match.upperBound)
      } else {
        joined.append(match)
      }
    }
    return joined
  }

  /// Finds secrets that line ends interrupt, as in Base64 of MIME (RFC 2045) and PEM.
  private func findWrapped(in text: UnsafeBufferPointer<UInt8>, _ found: inout [Range<Int>]) {
    guard let base = text.baseAddress, !isEmpty,
      memchr(base, 0x0A, text.count) != nil || memchr(base, 0x0D, text.count) != nil
    else { return }
    let joined = JoinedLines(text)
    guard joined.isShorter(than: text) else { return }
    joined.bytes.withUnsafeBufferPointer { bytes in
      for segment in segments { segment.find(in: bytes) { found.append(joined.source(of: $0)) } }
    }
  }

  /// Escapes inside escapes that are decoded, such as JSON in the HTML of a JSON string.
  static let decodingRounds = 4

  /// Finds secrets with characters that other writers escape.
  private func findEscaped(
    in text: UnsafeBufferPointer<UInt8>, rounds: Int, _ found: inout [Range<Int>]
  ) {
    guard rounds > 0, !isEmpty, Self.mayBeEscaped(text), let decoded = DecodedText(text) else {
      return
    }
    var inner: [Range<Int>] = []
    decoded.bytes.withUnsafeBufferPointer { bytes in
      for segment in segments { segment.find(in: bytes) { inner.append($0) } }
      findEscaped(in: bytes, rounds: rounds - 1, &inner)
    }
    found += inner.map(decoded.source)
  }

  private static func mayBeEscaped(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = text.baseAddress else { return false }
    return memchr(base, Int32(UInt8(ascii: "\\")), text.count) != nil
      || memchr(base, Int32(UInt8(ascii: "&")), text.count) != nil
  }

  // MARK: JSON

  /// Whether the JSON may contain a secret and must be redacted. Almost always false, so that the text
  /// need not be parsed.
  private func mayOccur(inJSON bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard !isEmpty else { return false }
    return !JSONString.allSearchablePieces(of: bytes) { matches(in: $0).isEmpty }
  }

  /// The redacted JSON, or nil if it contains no secret in the parts that are redacted.
  ///
  /// - Parameter bytes: one value from a writer.
  package func replacement(
    json bytes: UnsafeBufferPointer<UInt8>, _ layout: @autoclosure () -> MessageLayout = .foreign
  ) -> JSONWriter? {
    guard mayOccur(inJSON: bytes) else { return nil }
    var writer = JSONWriter(capacity: bytes.count)
    var found = false
    copy(JSON(trusted: bytes), layout(), to: &writer, &found)
    guard found else { return nil }
    return writer
  }

  package func replacement(
    json value: JSONFragment, _ layout: MessageLayout = .foreign
  ) -> JSONFragment? {
    replacement(json: value.bytes, layout).map { JSONFragment(trusted: $0) }
  }

  package func replacement(json bytes: [UInt8], _ layout: MessageLayout = .foreign) -> [UInt8]? {
    bytes.withUnsafeBufferPointer { replacement(json: $0, layout)?.bytes }
  }

  private func copy(
    _ json: JSON, _ layout: MessageLayout, to writer: inout JSONWriter, _ found: inout Bool
  ) {
    switch (layout, json.kind) {
    case (.own, _): writer.value(json)
    case (.object(let members), .object):
      writer.openObject()
      for member in json.members {
        let known = member.name.string.flatMap { members[$0] }
        copy(member.name, known == nil ? .foreign : .own, to: &writer, &found)
        writer.endName()
        copy(member.value, known ?? .foreign, to: &writer, &found)
      }
      writer.closeObject()
    case (.list(let element), .array):
      writer.openArray()
      for value in json.elements { copy(value, element, to: &writer, &found) }
      writer.closeArray()
    default: copyForeign(json, to: &writer, &found)
    }
  }

  private func copyForeign(
    _ json: JSON, to writer: inout JSONWriter, _ found: inout Bool
  ) {
    switch json.kind {
    case .object:
      writer.openObject()
      for member in json.members {
        copyForeign(member.name, to: &writer, &found)
        writer.endName()
        copyForeign(member.value, to: &writer, &found)
      }
      writer.closeObject()
    case .array:
      writer.openArray()
      for element in json.elements { copyForeign(element, to: &writer, &found) }
      writer.closeArray()
    case .string, .number:
      let text = json.stringBytes ?? json.withSource(Array.init)
      if let clean = replacingMatches(in: text) {
        found = true
        writer.string(utf8: clean[...])
      } else {
        writer.value(json)
      }
    default:
      writer.value(json)
    }
  }
}

/// A text without the line ends after long lines.
private struct JoinedLines {
  /// Encoders wrap lines at 64 or 76 characters. Shorter lines are not joined, so there are few.
  private static let minimumBytes = 32

  private(set) var bytes: [UInt8] = []
  /// Where a line starts, here and in the text.
  private var starts: [(here: Int, source: Int)] = [(0, 0)]

  init(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.reserveCapacity(text.count)
    var lineStart = 0
    var copied = 0
    for position in text.indices where text[position] == 0x0A || text[position] == 0x0D {
      if position - lineStart >= Self.minimumBytes || copied == position {
        bytes.append(contentsOf: text[copied..<position])
        copied = position + 1
        starts.append((bytes.count, copied))
      }
      lineStart = position + 1
    }
    bytes.append(contentsOf: text[copied...])
  }

  func isShorter(than text: UnsafeBufferPointer<UInt8>) -> Bool { bytes.count < text.count }

  func source(of range: Range<Int>) -> Range<Int> {
    position(range.lowerBound)..<position(range.upperBound - 1) + 1
  }

  private func position(_ here: Int) -> Int {
    // The last start that is not behind it.
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle].here <= here { low = middle } else { high = middle }
    }
    return starts[low].source + here - starts[low].here
  }
}
