import Delivery
import JSON
import Redaction

/// `{{secret:NAME}}`: represents a secret in what a program sends.
enum SecretPlaceholder {
  private static let start = "{{secret:"
  private static let end = "}}"

  static func text(of name: String) -> String { start + name + end }

  static func isContained(in text: String) -> Bool { text.firstRange(of: start) != nil }

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

  /// The value with the placeholders in its strings and member names replaced. The text of JSON cannot be
  /// used: a placeholder may have escape sequences, and must not reach from one string to the next.
  static func replaced(_ json: JSON, with value: (String) -> String) -> JSONFragment {
    JSONFragment { write(json, with: value, to: &$0) }
  }

  private static func write(
    _ json: JSON, with value: (String) -> String, to writer: inout JSONWriter
  ) {
    // Recursion is bounded by the depth that the parser accepts.
    switch json.kind {
    case .object:
      writer.object { writer in
        for member in json.members {
          if let name = member.name.string, isContained(in: name) {
            writer.name(text: replaced(name, with: value))
          } else {
            writer.name(copying: member.name)
          }
          write(member.value, with: value, to: &writer)
        }
      }
    case .array:
      writer.array { writer in
        for element in json.elements { write(element, with: value, to: &writer) }
      }
    default:
      if let text = json.string, isContained(in: text) {
        writer.string(replaced(text, with: value))
      } else {
        writer.value(json)
      }
    }
  }

  /// The names of the secrets in the strings and member names of a value.
  static func names(in json: JSON) -> [String] {
    var names: [String] = []
    _ = replaced(json) { name in
      names.append(name)
      return ""
    }
    return names
  }

  /// The text of a string as part of a JSON string.
  static func escaped(_ text: String) -> String {
    String(JSONFragment { $0.string(text) }.text.dropFirst().dropLast())
  }
}
