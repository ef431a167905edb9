import Basics
import JSON

/// The description of a parameter for help texts.
public struct ParameterSummary: Sendable {
  public let name: String
  public let description: String
  public let isRequired: Bool
  /// The accepted values: "integer", "one of in, out".
  public let values: String
  /// As JSON text.
  public let defaultValue: String?
  public let sources: [ParameterSource]
  public let example: JSONFragment?
  public let members: [ParameterSummary]
}

extension ParameterShape {
  public var summaries: [ParameterSummary] {
    parameters.map { parameter in
      let schema = JSONFragment { writer in writer.object { parameter.writeType(&$0) } }.json
      return ParameterSummary(
        name: parameter.name, description: parameter.description, isRequired: parameter.isRequired,
        values: Self.describe(schema), defaultValue: parameter.defaultValue?.text,
        sources: parameter.sources,
        example: parameter.examples.first ?? parameter.defaultValue
          ?? schema["enum"]?[0].map { JSONFragment($0) },
        members: parameter.members?.summaries ?? [])
    }
  }

  /// The parameters of a minimal valid call.
  public var neededNames: [String] {
    var needed = Set(parameters.filter(\.isRequired).map(\.name))
    for rule in rules {
      switch rule {
      case .atLeastOne(let names, _):
        if let first = names.first, needed.isDisjoint(with: names) { needed.insert(first) }
      case .required(let name, let condition) where holdsByDefault(condition): needed.insert(name)
      case .requiredUnless(let name, _): needed.insert(name)
      default: break
      }
    }
    return names.filter(needed.contains)
  }

  private static func describe(_ schema: JSON) -> String {
    if let choices = schema["enum"] {
      return "one of " + choices.elements.compactMap(\.string).joined(separator: ", ")
    }
    if schema["writeOnly"]?.bool == true { return "secret" }
    if let choices = schema["anyOf"]?.elements {
      return choices.map { describe($0) }.joined(separator: " or ")
    }
    guard let type = schema["type"] else { return "any JSON" }
    if type.equals("array"), let items = schema["items"] { return "list of \(describe(items))" }
    return type.string ?? type.elements.compactMap(\.string).joined(separator: " or ")
  }
}
