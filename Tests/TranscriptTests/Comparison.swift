import Basics
import JSON

/// Compares JSON as transcripts do.
enum Comparison {
  private static let anything = "…"

  /// The position and the kind of the first difference; nil if there is none.
  static func difference(_ expected: JSON, _ got: JSON, at place: String = "$") -> String? {
    if let pattern = expected.string {
      if pattern == anything { return nil }
      if let text = got.string, matches(Array(text.utf8), pattern) { return nil }
      return "\(place): expected \(expected.sourceText), got \(got.sourceText)"
    }
    guard expected.kind == got.kind else {
      return "\(place): expected \(expected.sourceText), got \(got.sourceText)"
    }
    switch expected.kind {
    case .array: return arrayDifference(expected, got, place)
    case .object: return objectDifference(expected, got, place)
    default:
      return expected.sourceText == got.sourceText
        ? nil : "\(place): expected \(expected.sourceText), got \(got.sourceText)"
    }
  }

  private static func arrayDifference(_ expected: JSON, _ got: JSON, _ place: String) -> String? {
    guard expected.count == got.count else {
      return "\(place): expected \(expected.count) elements, got \(got.count)"
    }
    for (position, pair) in zip(expected.elements, got.elements).enumerated() {
      if let found = difference(pair.0, pair.1, at: "\(place)[\(position)]") { return found }
    }
    return nil
  }

  private static func objectDifference(_ expected: JSON, _ got: JSON, _ place: String) -> String? {
    let names = Set(expected.members.compactMap(\.name.string))
    for name in names.subtracting([anything]).sorted() {
      guard let wanted = expected[name] else { continue }
      guard let value = got[name] else { return "\(place): missing \(name)" }
      if let found = difference(wanted, value, at: "\(place).\(name)") { return found }
    }
    guard !names.contains(anything) else { return nil }
    let further = Set(got.members.compactMap(\.name.string)).subtracting(names).sorted()
    return further.isEmpty ? nil : "\(place): unexpected \(further.joined(separator: ", "))"
  }

  /// Whether the text matches the pattern, byte for byte; each `…` matches any text.
  private static func matches(_ text: [UInt8], _ pattern: String) -> Bool {
    let pieces = pattern.split(separator: anything, omittingEmptySubsequences: false)
      .map { Array($0.utf8) }
    guard pieces.count > 1, let first = pieces.first, let last = pieces.last else {
      return text == Array(pattern.utf8)
    }
    guard text.count >= first.count + last.count, text.starts(with: first),
      text.suffix(last.count).elementsEqual(last)
    else { return false }
    var rest = text[first.count..<(text.count - last.count)]
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = rest.firstRange(of: piece) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
