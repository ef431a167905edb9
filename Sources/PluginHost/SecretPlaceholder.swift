import Delivery
import JSON
import Redaction

/// `{{secret:NAME}}`: stands for a secret in what a program sends.
enum SecretPlaceholder {
  private static let start = "{{secret:"
  private static let end = "}}"

  static func text(of name: String) -> String { start + name + end }

  static func isContained(in text: String) -> Bool { text.firstRange(of: start) != nil }

  /// A text that is not a place for the value.
  struct UnknownSecret: Error { let name: String }

  /// The names of the secrets in a text, in order.
  static func names(in text: String) -> [String] {
    var names: [String] = []
    _ = replaced(text) { name in
      names.append(name)
      return ""
    }
    return names
  }

  /// The text with each placeholder replaced.
  static func replaced(_ text: String, with value: (String) -> String) -> String {
    var result = ""
    var rest = text[...]
    while let opening = rest.firstRange(of: start),
      let closing = rest[opening.upperBound...].firstRange(of: end)
    {
      result += rest[..<opening.lowerBound]
      result += value(String(rest[opening.upperBound..<closing.lowerBound]))
      rest = rest[closing.upperBound...]
    }
    return result + rest
  }

  /// The text of a string as part of a JSON string.
  static func escaped(_ text: String) -> String {
    String(JSONFragment { $0.string(text) }.text.dropFirst().dropLast())
  }
}
