import Basics
import JSON

/// What a command's `raw_data` looks like, as far as the vendor's documents say.
///
/// Written as a tolerant JSON Schema: vendors send "" or "None" where they declare an object or a
/// number, and `raw_data` is their answer untouched, so a scalar admits text and null too.
public indirect enum ResultShape: Sendable {
  case any
  case text
  case integer
  case number
  case boolean
  case array(of: ResultShape)
  /// A value, or an array of such values.
  case oneOrMore(of: ResultShape)
  case object([Member])
  /// A JSON Schema, taken as it is.
  case schema(JSONFragment)

  public struct Member: Sendable {
    let name: StaticString
    let shape: ResultShape
    let about: StaticString?

    public init(_ name: StaticString, _ shape: ResultShape, _ about: StaticString? = nil) {
      self.name = name
      self.shape = shape
      self.about = about
    }
  }

  /// - Parameter isBinding: false writes names without types, so that a reader who enforces the schema
  ///   accepts everything that a vendor may send.
  public func writeSchema(to writer: inout JSONWriter, isBinding: Bool = true) {
    if case .schema(let schema) = self {
      // Which keywords bind is not known here.
      return writer.value(isBinding ? schema : Self.anything)
    }
    writer.object { writeMembers(to: &$0, isBinding) }
  }

  private static let anything = JSONFragment { $0.object { _ in } }

  private func writeMembers(to writer: inout JSONWriter, _ isBinding: Bool) {
    if isBinding, !types.isEmpty {
      writer.name("type")
      writer.array { for type in types { $0.string("\(type)") } }
    }
    writeParts(to: &writer, isBinding)
  }

  private func writeParts(to writer: inout JSONWriter, _ isBinding: Bool) {
    switch self {
    case .any, .text, .integer, .number, .boolean, .schema: break
    case .array(let element):
      writer.name("items")
      element.writeSchema(to: &writer, isBinding: isBinding)
    case .oneOrMore(let value):
      value.writeParts(to: &writer, isBinding)
      ResultShape.array(of: value).writeParts(to: &writer, isBinding)
    case .object(let members):
      writer.name("properties")
      writer.object { writer in
        for member in members {
          writer.name(member.name)
          writer.object {
            if let about = member.about { $0.member("description", "\(about)") }
            member.shape.writeMembers(to: &$0, isBinding)
          }
        }
      }
    }
  }

  /// Empty if every type is allowed.
  private var types: [StaticString] {
    switch self {
    case .any, .schema: []
    case .text: ["string", "number", "boolean", "null"]
    case .integer: ["integer", "string", "null"]
    case .number: ["number", "string", "null"]
    case .boolean: ["boolean", "string", "null"]
    case .array: ["array", "string", "null"]
    case .object: ["object", "string", "null"]
    case .oneOrMore(let value): value.types + ["array"]
    }
  }
}
