import Basics
import JSON

/// The shape of parameters that a JSON Schema describes, such as those of a plugin.
extension ParameterShape {
  /// Levels of objects whose members are known by name.
  private static let maximumLevels = 8

  /// - Parameter schema: of an object. Members that it does not name are not part of the shape.
  public convenience init(schema: JSON) { self.init(schema: schema, levels: Self.maximumLevels) }

  fileprivate convenience init(schema: JSON, levels: Int) {
    let required = Set(schema["required"]?.elements.compactMap(\.string) ?? [])
    let properties = schema["properties"].map { Array($0.members) } ?? []
    self.init(
      properties.compactMap { property in
        property.name.string.map {
          Parameter($0, property.value, isRequired: required.contains($0), levels: levels - 1)
        }
      }, givenSchema: JSONFragment(schema))
  }
}

extension Parameter {
  /// The members of a property that are not part of its type.
  private static let metadata = [
    "title", "description", "default", "examples", "x-source", "writeOnly",
  ]

  fileprivate convenience init(
    _ name: String, _ schema: JSON, isRequired: Bool, levels: Int
  ) {
    let isObject = schema["properties"]?.kind == .object
    let type = JSONFragment { writer in
      writer.object { writer in
        for member in schema.members
        where !Self.metadata.contains(where: { member.name.equals($0) }) {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      }
    }.json
    let isSecret = schema["writeOnly"]?.bool == true
    self.init(
      name: name, title: schema["title"]?.string ?? name,
      description: schema["description"]?.string ?? "", isRequired: isRequired,
      isSecret: isSecret, isList: schema["type"]?.equals("array") == true,
      sources: schema["x-source"]?.elements.compactMap(ParameterSource.init) ?? [],
      examples: schema["examples"]?.elements.map { JSONFragment($0) } ?? [],
      defaultValue: schema["default"].map { JSONFragment($0) },
      members: isObject && levels > 0 ? ParameterShape(schema: schema, levels: levels) : nil,
      conditionValue: { ConditionValue($0) },
      writeType: { writer in
        if isSecret { writer.member("writeOnly", true) }
        for member in type.members {
          writer.name(copying: member.name)
          writer.value(member.value)
        }
      })
  }
}

extension ParameterSource {
  /// - Returns: nil for what is not an element of `x-source`.
  fileprivate init?(_ json: JSON) {
    guard let command = json["command"]?.string, let path = json["path"]?.string else { return nil }
    let fixed = json["with"]?.members.compactMap { member -> Argument? in
      guard let name = member.name.string, let value = member.value.string else { return nil }
      return .with(name, value)
    }
    let others = json["required"]?.elements.compactMap(\.string).map { Argument.any($0) }
    self.init(command, path, (fixed ?? []) + (others ?? []))
  }
}
