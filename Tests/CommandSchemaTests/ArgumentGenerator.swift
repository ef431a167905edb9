import Basics
import JSON
import JSONSchema
import TestSupport

/// Arguments for a command, from its JSON Schema: many valid ones, and others with a mistake.
struct ArgumentGenerator {
  private var random: SeededGenerator
  /// One of that many values is a mistake.
  private var mistakeRate = 1
  /// The texts that a schema with a pattern accepts, by its position.
  private var matchingTexts: [Int: [String]] = [:]

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// Texts for patterns and formats.
  private static let texts = [
    #""a""#, #""a@b.example""#, #""123""#, #""2024-02-29T10:00:00Z""#, #""https://a.example""#,
    #""6.1""#, #""Zm9v""#, #""details.name:a""#, #""A B <c@d.example>""#, #""é😀""#,
  ]
  private static let mistakes = [
    "null", "true", "0", "-1", "1.0", "1.5", "1e400", "999999999999999999999", #""""#, #"" ""#,
    #""x""#, #""a\nb""#, #""\u0000""#, "[]", "[null]", "{}", #"{"x":1}"#, #"["a","a"]"#,
    #""aaaa@""#, #""99999999999999999999""#, #""a\n""#, #""\r""#,
  ]

  mutating func arguments(for schema: JSON, mistakeRate: Int) -> String {
    self.mistakeRate = mistakeRate
    return random.pick(1...200) == 1 ? mistake(for: schema) : value(for: schema)
  }

  private mutating func value(for schema: JSON) -> String {
    if random.pick(1...mistakeRate) == 1 { return mistake(for: schema) }
    if let examples = schema["examples"], random.pick(1...3) == 1 {
      return random.pick(Array(examples.elements)).sourceText
    }
    if let choices = schema["enum"] { return random.pick(Array(choices.elements)).sourceText }
    if let branches = schema["anyOf"], schema["type"] == nil {
      return value(for: random.pick(Array(branches.elements)))
    }
    guard let type = schema["type"] else { return random.pick(Self.texts) }
    let name = type.kind == .array ? random.pick(Array(type.elements)) : type
    switch name.string ?? "" {
    case "string": return text(for: schema)
    case "integer": return integer(for: schema)
    case "number": return random.pick(["0.5", "1", "2.25", "1e1"])
    case "boolean": return random.pick(["true", "false"])
    case "array": return array(for: schema)
    case "object": return object(for: schema)
    default: return "null"
    }
  }

  private mutating func text(for schema: JSON) -> String {
    if schema["pattern"] != nil {
      if matchingTexts[schema.offset] == nil {
        let compiled = try? JSONSchema(JSONFragment(schema).json)
        matchingTexts[schema.offset] = Self.texts.filter { text in
          (try? JSON.parse(text)).map { compiled?.faults(of: $0).isEmpty ?? true } ?? false
        }
      }
      let matching = matchingTexts[schema.offset] ?? []
      return random.pick(matching.isEmpty ? Self.texts : matching)
    }
    if random.pick(1...2) == 1 { return random.pick(Self.texts) }
    let least = Int(schema["minLength"]?.integer ?? 0)
    let most = min(Int(schema["maxLength"]?.integer ?? 20), 3_000)
    let length = random.pick([least, min(least + 1, most), min(max(least, 8), most), most])
    return "\"" + String(repeating: random.pick(["a", "é", "7", " "]), count: length) + "\""
  }

  private mutating func integer(for schema: JSON) -> String {
    let least = schema["minimum"]?.integer ?? -5
    let most = schema["maximum"]?.integer ?? least + 1_000
    return String(random.pick([least, most, min(least + 1, most), least / 2 + most / 2]))
  }

  private mutating func array(for schema: JSON) -> String {
    let least = Int(schema["minItems"]?.integer ?? 0)
    let most = min(Int(schema["maxItems"]?.integer ?? 3), least + 3)
    let items = schema["items"] ?? schema
    let values = (0..<random.pick(least...max(least, most))).map { _ in value(for: items) }
    return "[\(values.joined(separator: ","))]"
  }

  private mutating func object(for schema: JSON) -> String {
    let required = schema["required"].map { $0.elements.compactMap(\.string) } ?? []
    var members: [String] = []
    for property in schema["properties"].map({ Array($0.members) }) ?? [] {
      let isRequired = required.contains(property.name.string ?? "")
      let isGiven = isRequired ? random.pick(1...(4 * mistakeRate)) > 1 : random.pick(1...5) <= 2
      if isGiven {
        members.append("\(property.name.sourceText):\(value(for: property.value))")
      }
    }
    if random.pick(1...(2 * mistakeRate)) == 1 { members.append(#""unknown_name":1"#) }
    return "{\(members.joined(separator: ","))}"
  }

  private mutating func mistake(for schema: JSON) -> String {
    switch random.pick(1...4) {
    case 1:
      if let choices = schema["enum"], let choice = random.pick(Array(choices.elements)).string {
        return "\"\(choice.uppercased().replacing("_", with: " "))\""
      }
      if let most = schema["maximum"]?.integer, most < .max { return String(most + 1) }
      if let most = schema["maxLength"]?.integer, most < 20_000 {
        return "\"\(String(repeating: "a", count: Int(most) + 1))\""
      }
      if let most = schema["maxItems"]?.integer, most < 5_000 {
        return "[\(Array(repeating: #""a""#, count: Int(most) + 1).joined(separator: ","))]"
      }
    case 2:
      if let least = schema["minimum"]?.integer { return String(least - 1) }
      if schema["minItems"] != nil { return "[]" }
    default: break
    }
    return random.pick(Self.mistakes)
  }
}
