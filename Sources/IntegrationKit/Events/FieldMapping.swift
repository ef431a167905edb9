import Basics
import JSON
import JSONPath

/// The caller's changes to the fields of events: `options.field_mapping`.
public struct FieldMapping: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  /// The maximum number of fields that a caller can add or remove.
  static let maximumFields = 100

  let mainPath: JSONPath?
  let added: [CustomField]
  let removed: [String]

  public init(_ mapping: inout ParamReader) {
    mainPath = mapping.optional(
      "main_event_json_path", .jsonPath,
      """
      JSONPath (RFC 9535) of the events in a fetched document. The paths of fields are relative to \
      an event. Default: the command's main path.
      """)
    added = mapping.optional(
      "add", .customFields,
      """
      Fields to add: name to JSONPath. In the event, the name has a prefix of two underscores, and \
      spaces become underscores.
      """, default: [])
    removed = mapping.optional(
      "remove", .list(of: .text(maximumCharacters: 256), count: 0...FieldMapping.maximumFields),
      "Names of the command's fields to omit.", default: [])
  }
}

/// A field that a caller adds.
public struct CustomField: Sendable {
  let name: String
  let path: JSONPath

  /// The name in the event.
  var systemName: String {
    "__" + String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == " " ? "_" : $0 }))
  }
}

/// A JSONPath query (RFC 9535).
package struct JSONPathType: ParameterType {
  package var placeholder: JSONPath { JSONPath.whole }

  package func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> JSONPath? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    do throws(JSONPathError) {
      return try JSONPath(text)
    } catch {
      faults.append(
        ParameterProblem("invalid JSONPath: \(error)", didYouMean: Self.suggestion(for: text)))
      return nil
    }
  }

  /// The documents print paths without the `$` and with typographic quotes.
  private static func suggestion(for text: String) -> String? {
    guard text.utf8.count < JSONPath.maximumBytes else { return nil }
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where scalar != " " || !scalars.isEmpty {
      switch scalar {
      case "\u{2018}", "\u{2019}": scalars.append("'")
      case "\u{201C}", "\u{201D}": scalars.append("\"")
      default: scalars.append(scalar)
      }
    }
    while scalars.last == " " { scalars.removeLast() }
    let plain = String(scalars)
    let first = plain.unicodeScalars.first
    let candidates = [plain, first == "." || first == "[" ? "$" + plain : "$." + plain]
    return candidates.first { $0 != text && (try? JSONPath($0)) != nil }
  }

  package func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("minLength", 1)
    writer.member("maxLength", JSONPath.maximumBytes)
  }

  package func write(_ value: JSONPath, to writer: inout JSONWriter) { writer.string(value.source) }
}

/// An object that maps field names to JSONPaths.
package struct CustomFieldsType: ParameterType {
  static let maximumNameCharacters = 256
  package var placeholder: [CustomField] { [] }

  package func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> [CustomField]? {
    guard json.kind == .object else {
      faults.append(ParameterProblem("must be an object that maps names to JSONPaths"))
      return nil
    }
    var fields: [CustomField] = []
    var systemNames: [String: String] = [:]
    for (count, member) in json.members.enumerated() {
      guard count < FieldMapping.maximumFields else {
        faults.append(ParameterProblem("must have at most \(FieldMapping.maximumFields) members"))
        break
      }
      let name = member.name.string ?? ""
      guard name.unicodeScalars.count <= Self.maximumNameCharacters,
        name.unicodeScalars.contains(where: { $0 != " " })
      else {
        faults.append(
          ParameterProblem(
            "must have a name of 1 to \(Self.maximumNameCharacters) characters", at: name))
        continue
      }
      var pathFaults: [ParameterProblem] = []
      let path = JSONPathType().decode(member.value, members: nil, faults: &pathFaults)
      faults += pathFaults.map { $0.inside(name) }
      guard let path else { continue }
      let field = CustomField(name: name, path: path)
      if let other = systemNames.updateValue(name, forKey: field.systemName) {
        faults.append(
          ParameterProblem(
            "maps to the same event field as \"\(other)\": \(field.systemName)", at: name))
      }
      fields.append(field)
    }
    return fields
  }

  package func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "object")
    writer.member("maxProperties", FieldMapping.maximumFields)
    writer.name("propertyNames")
    writer.object { $0.member("maxLength", Self.maximumNameCharacters) }
    writer.name("additionalProperties")
    writer.object { JSONPathType().writeSchema(to: &$0) }
  }

  package func write(_ value: [CustomField], to writer: inout JSONWriter) {
    writer.object { writer in
      for field in value {
        writer.name(text: field.name)
        writer.string(field.path.source)
      }
    }
  }
}

extension ParameterType where Self == JSONPathType {
  package static var jsonPath: JSONPathType { JSONPathType() }
}

extension ParameterType where Self == CustomFieldsType {
  static var customFields: CustomFieldsType { CustomFieldsType() }
}

extension JSONPath {
  /// A path declared in code. Stops the process if it is invalid.
  init(declared text: String) {
    do throws(JSONPathError) {
      try self.init(text)
    } catch {
      preconditionFailure("\(text): \(error)")
    }
  }

  fileprivate static let whole = JSONPath(declared: "$")
}
