import Basics
import JSON

/// An independent evaluator of the JSON Schema 2020-12 keywords that the declarations use.
enum SchemaEvaluator {
  static func accepts(_ schema: JSON, _ value: JSON) -> Bool {
    schema.members.allSatisfy { keyword in
      holds(keyword.name.string ?? "", keyword.value, of: schema, for: value)
    }
  }

  /// Keywords without effect on validity.
  private static let annotations: Set<String> = [
    "title", "description", "default", "examples", "x-source", "writeOnly", "format",
  ]

  private static func holds(
    _ keyword: String, _ argument: JSON, of schema: JSON, for value: JSON
  ) -> Bool {
    let length = value.string?.unicodeScalars.count
    let count = value.kind == .array ? value.count : nil
    let bound = argument.double ?? .nan
    switch keyword {
    case "type":
      return argument.string.map { isOfType($0, value) }
        ?? argument.elements.contains { isOfType($0.string ?? "", value) }
    case "enum": return argument.elements.contains { same($0, value) }
    case "const": return same(argument, value)
    case "not": return !accepts(argument, value)
    case "minimum": return value.kind != .number || !isLess(value, argument)
    case "maximum": return value.kind != .number || !isLess(argument, value)
    case "minLength": return length.map { Double($0) >= bound } ?? true
    case "maxLength": return length.map { Double($0) <= bound } ?? true
    case "minItems": return count.map { Double($0) >= bound } ?? true
    case "maxItems": return count.map { Double($0) <= bound } ?? true
    case "pattern":
      guard let text = value.string, let pattern = try? Regex(argument.string ?? "") else {
        return true
      }
      return text.contains(pattern)
    case "items": return value.elements.allSatisfy { accepts(argument, $0) }
    case "properties":
      return argument.members.allSatisfy { property in
        value[property.name.string ?? ""].map { accepts(property.value, $0) } ?? true
      }
    case "required":
      return value.kind != .object || argument.elements.allSatisfy { value[$0.string ?? ""] != nil }
    case "additionalProperties":
      let known = schema["properties"]?.members.compactMap(\.name.string) ?? []
      return value.members.allSatisfy { known.contains($0.name.string ?? "") }
        || argument.bool == true
    case "allOf": return argument.elements.allSatisfy { accepts($0, value) }
    case "anyOf": return argument.elements.contains { accepts($0, value) }
    case "if": return !accepts(argument, value) || schema["then"].map { accepts($0, value) } ?? true
    case "then": return true
    default: return annotations.contains(keyword)
    }
  }

  private static func isOfType(_ type: String, _ value: JSON) -> Bool {
    switch (type, value.kind) {
    case ("integer", .number): value.double.map { $0.rounded() == $0 } ?? false
    case ("number", .number), ("string", .string), ("boolean", .true), ("boolean", .false),
      ("null", .null), ("array", .array), ("object", .object):
      true
    default: false
    }
  }

  private static func isLess(_ one: JSON, _ other: JSON) -> Bool {
    if let one = one.integer, let other = other.integer { return one < other }
    return one.double ?? .nan < other.double ?? .nan
  }

  private static func same(_ one: JSON, _ other: JSON) -> Bool {
    if one.kind == .number, other.kind == .number { return one.double == other.double }
    return JSONFragment(one).canonicalText == JSONFragment(other).canonicalText
  }
}
