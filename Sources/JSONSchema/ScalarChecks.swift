import Basics
import JSON

// Numbers and strings.
extension Validator {
  mutating func accepts(number value: JSON, _ rules: NumberRules, _ node: SchemaNode) -> Bool {
    if let keyword = violatedBound(value, rules) {
      let type = node.types?.contains(.number) == false ? "an integer" : "a number"
      return report(node, keyword, "must be \(type)\(rules.rangeText)")
    }
    if let divisor = rules.divisor, !divisor.divides(value) {
      return report(node, "multipleOf", "must be a multiple of \(divisor.text)")
    }
    return true
  }

  private func violatedBound(_ value: JSON, _ rules: NumberRules) -> String? {
    if let bound = rules.minimum, bound.isGreater(than: value) { return "minimum" }
    if let bound = rules.maximum, bound.isLess(than: value) { return "maximum" }
    if let bound = rules.exclusiveMinimum, !bound.isLess(than: value) {
      return "exclusiveMinimum"
    }
    if let bound = rules.exclusiveMaximum, !bound.isGreater(than: value) {
      return "exclusiveMaximum"
    }
    return nil
  }

  mutating func accepts(string value: JSON, _ rules: StringRules, _ node: SchemaNode) -> Bool {
    if let most = rules.most, !value.hasCharacters(atMost: most) {
      return report(node, "maxLength", "must have at most \(Self.count(most, "character"))")
    }
    if let least = rules.least, least > 0, value.hasCharacters(atMost: least - 1) {
      return report(
        node, "minLength",
        least == 1 ? "must not be empty" : "must have at least \(Self.count(least, "character"))")
    }
    guard let pattern = rules.pattern, let text = value.string else { return true }
    guard let isFound = spend({ pattern.regexp.isFound(in: text, steps: &$0) }) else {
      return false
    }
    return isFound
      || report(node, "pattern", "must match the pattern \(Self.truncated(pattern.text))")
  }

  /// "1 item", "2 items"
  static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  private static func truncated(_ text: String) -> String {
    text.utf8.count > SchemaLimits.textBytes
      ? "\(text.prefix(SchemaLimits.textBytes / 4))…" : text
  }
}

extension JSON {
  /// Whether a string has at most that many code points.
  fileprivate func hasCharacters(atMost limit: Int) -> Bool {
    // The bytes of the source are at least the code points, and at most 12 for each.
    let bytes = size - 2
    if bytes <= limit { return true }
    guard plainText != nil else { return (string?.unicodeScalars.count ?? 0) <= limit }
    return withSource { source in
      var count = -2
      for byte in source where byte & 0xC0 != 0x80 { count += 1 }
      return count <= limit
    }
  }
}
