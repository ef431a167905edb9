import Basics
import JSON

/// Formatted JSON: two spaces per level, arrays of scalars on one line.
enum PrettyJSON {
  static func text(_ json: JSON, indent: Int = 0) -> String {
    let margin = String(repeating: " ", count: indent + 2)
    let end = "\n" + String(repeating: " ", count: indent)
    switch json.kind {
    case .object where json.count > 0:
      let members = json.members.map {
        "\(margin)\(JSONFragment($0.name).text): \(text($0.value, indent: indent + 2))"
      }
      return "{\n" + members.joined(separator: ",\n") + end + "}"
    case .array where json.elements.contains { $0.kind == .object || $0.kind == .array }:
      let elements = json.elements.map { margin + text($0, indent: indent + 2) }
      return "[\n" + elements.joined(separator: ",\n") + end + "]"
    case .array:
      return "[" + json.elements.map { JSONFragment($0).text }.joined(separator: ", ") + "]"
    default:
      return JSONFragment(json).text
    }
  }
}
