import Basics
import JSON

/// A parameter in words, for help texts.
public struct ParameterSummary: Sendable {
  public let name: String
  public let about: String
  public let isRequired: Bool
  /// Which values there are: "integer", "one of in, out".
  public let values: String
  /// What holds when it is left out, as JSON.
  public let defaultValue: String?
  public let sources: [ParameterSource]
  public let example: JSONFragment?
  public let members: [ParameterSummary]
}

extension ParameterShape {
  public var summaries: [ParameterSummary] {
    parameters.map { parameter in
      let kind = JSONFragment { writer in writer.object { parameter.writeType(&$0) } }.json
      return ParameterSummary(
        name: parameter.name, about: parameter.about, isRequired: parameter.isRequired,
        values: Self.describe(kind), defaultValue: parameter.defaultValue?.text,
        sources: parameter.sources,
        example: parameter.examples.first ?? parameter.defaultValue
          ?? kind["enum"]?[0].map { JSONFragment($0) },
        members: parameter.members?.summaries ?? [])
    }
  }

  /// The parameters of a call that has no more than it needs.
  public var neededNames: [String] {
    var needed = Set(parameters.filter(\.isRequired).map(\.name))
    for rule in rules {
      switch rule {
      case .atLeastOne(let names, _):
        if let first = names.first, needed.isDisjoint(with: names) { needed.insert(first) }
      case .required(let name, let condition) where holdsByDefault(condition): needed.insert(name)
      default: break
      }
    }
    return names.filter(needed.contains)
  }

  private static func describe(_ kind: JSON) -> String {
    if let choices = kind["enum"] {
      return "one of " + choices.elements.compactMap(\.string).joined(separator: ", ")
    }
    if kind["writeOnly"]?.bool == true { return "secret" }
    guard let type = kind["type"] else { return "any JSON" }
    if type.equals("array"), let items = kind["items"] { return "list of \(describe(items))" }
    return type.string ?? type.elements.compactMap(\.string).joined(separator: " or ")
  }
}
