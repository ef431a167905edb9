import Basics

/// A parameter in words, for help texts.
public struct ParameterSummary: Sendable {
  public let name: String
  public let about: String
  public let isRequired: Bool
  /// Which values there are: "integer", "one of in, out".
  public let values: String
  public let sources: [ParameterSource]
  public let example: JSONFragment?
  public let members: [ParameterSummary]
}

extension ParameterShape {
  public var summaries: [ParameterSummary] {
    parameters.map { parameter in
      let kind = JSONFragment { writer in writer.object { parameter.writeKind(&$0) } }.json
      return ParameterSummary(
        name: parameter.name, about: parameter.about, isRequired: parameter.isRequired,
        values: Self.describe(kind), sources: parameter.sources,
        example: parameter.examples.first ?? parameter.defaultValue
          ?? kind["enum"]?[0].map { JSONFragment($0) },
        members: parameter.members?.summaries ?? [])
    }
  }

  private static func describe(_ kind: JSON) -> String {
    if let choices = kind["enum"] {
      return "one of " + choices.elements.compactMap(\.string).joined(separator: ", ")
    }
    guard let type = kind["type"] else { return "any JSON" }
    if type.equals("array"), let items = kind["items"] { return "list of \(describe(items))" }
    return type.string ?? type.elements.compactMap(\.string).joined(separator: " or ")
  }
}
