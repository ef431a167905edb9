import Basics
import IntegrationKit
import JSON

/// A JSON Schema of wire data. It uses only keywords that are common to draft 7, which OpenRPC
/// requires, and 2020-12.
indirect enum MessageSchema: Sendable {
  case any
  case text
  /// Text that matches a regular expression (ECMA-262).
  case pattern(String)
  case choice([String])
  /// Exactly this text, or this number.
  case word(String)
  case code(Int)
  case integer(from: Int)
  case number
  case boolean
  case list(MessageSchema)
  /// An object with arbitrary member names.
  case map(MessageSchema)
  /// An object that may have additional members in later versions. For messages of the host.
  case object([Member])
  /// An object without additional members.
  case closed([Member])
  /// The params of a declaration.
  case parameters(ParameterShape)
  /// Exactly one of these.
  case oneOf([MessageSchema])
  /// Another component.
  case reference(String)
  /// Keywords that no other case supports.
  case written(@Sendable (inout JSONWriter) -> Void)

  struct Member: Sendable {
    let name: String
    let schema: MessageSchema
    let about: String?
    let isRequired: Bool

    static func always(_ name: String, _ schema: MessageSchema, _ about: String? = nil) -> Member {
      Member(name: name, schema: schema, about: about, isRequired: true)
    }

    static func sometimes(
      _ name: String, _ schema: MessageSchema, _ about: String? = nil
    ) -> Member {
      Member(name: name, schema: schema, about: about, isRequired: false)
    }
  }

  /// An optional integer.
  static func bounded(_ range: ClosedRange<Int64>, default value: Int64) -> MessageSchema {
    .written { writer in
      writer.member("type", "integer")
      writer.member("minimum", Int(range.lowerBound))
      writer.member("maximum", Int(range.upperBound))
      writer.member("default", Int(value))
    }
  }

  static let count = MessageSchema.integer(from: 0)
  static let time = MessageSchema.pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$")

  /// The reference to another component in the same document.
  static func path(of component: String) -> String { "#/components/schemas/\(component)" }
}

extension MessageSchema {
  /// Writes the schema as an object.
  func write(about: String? = nil, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member(ifPresent: "description", about)
      writeMembers(to: &writer)
    }
  }

  func writeMembers(to writer: inout JSONWriter) {
    switch self {
    case .any: break
    case .text: writer.member("type", "string")
    case .pattern(let pattern):
      writer.member("type", "string")
      writer.member("pattern", pattern)
    case .choice(let words):
      writer.member("type", "string")
      writer.name("enum")
      writer.array { for word in words { $0.string(word) } }
    case .word(let word): writer.member("const", word)
    case .code(let code): writer.member("const", code)
    case .integer(let least):
      writer.member("type", "integer")
      writer.member("minimum", least)
    case .number: writer.member("type", "number")
    case .boolean: writer.member("type", "boolean")
    case .list(let element):
      writer.member("type", "array")
      writer.name("items")
      element.write(to: &writer)
    case .map(let value):
      writer.member("type", "object")
      writer.name("additionalProperties")
      value.write(to: &writer)
    case .object(let members): Self.write(members, to: &writer)
    case .closed(let members):
      Self.write(members, to: &writer)
      writer.member("additionalProperties", false)
    case .parameters(let shape): shape.writeSchemaMembers(to: &writer)
    case .oneOf(let schemas):
      writer.name("oneOf")
      writer.array { for schema in schemas { schema.write(to: &$0) } }
    case .reference(let component): writer.member("$ref", Self.path(of: component))
    case .written(let write): write(&writer)
    }
  }

  private static func write(_ members: [Member], to writer: inout JSONWriter) {
    writer.member("type", "object")
    writer.name("properties")
    writer.object { writer in
      for member in members {
        writer.name(text: member.name)
        member.schema.write(about: member.about, to: &writer)
      }
    }
    let required = members.filter(\.isRequired)
    guard !required.isEmpty else { return }
    writer.name("required")
    writer.array { for member in required { $0.string(member.name) } }
  }
}

/// A named schema.
struct SchemaComponent: Sendable {
  let name: String
  let about: String
  let schema: MessageSchema

  init(_ name: String, _ about: String, _ schema: MessageSchema) {
    self.name = name
    self.about = about
    self.schema = schema
  }
}
