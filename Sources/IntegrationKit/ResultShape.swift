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
  case object([Member])
  /// The result of a command that takes one target or a list of them: that of the one, or an array.
  case oneOrMore(ResultShape)

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
    writer.object { writeMembers(to: &$0, isBinding) }
  }

  private func writeMembers(to writer: inout JSONWriter, _ isBinding: Bool) {
    if isBinding { writeTypes(to: &writer) }
    switch self {
    case .any, .text, .integer, .number, .boolean: break
    case .array(let element):
      writer.name("items")
      element.writeSchema(to: &writer, isBinding: isBinding)
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
    case .oneOrMore(let one):
      writer.name("anyOf")
      writer.array { writer in
        one.writeSchema(to: &writer, isBinding: isBinding)
        ResultShape.array(of: one).writeSchema(to: &writer, isBinding: isBinding)
      }
    }
  }

  private func writeTypes(to writer: inout JSONWriter) {
    let types: [StaticString]
    switch self {
    case .any, .oneOrMore: return
    case .text: types = ["string", "number", "boolean", "null"]
    case .integer: types = ["integer", "string", "null"]
    case .number: types = ["number", "string", "null"]
    case .boolean: types = ["boolean", "string", "null"]
    case .array: types = ["array", "string", "null"]
    case .object: types = ["object", "string", "null"]
    }
    writer.name("type")
    writer.array { for type in types { $0.string("\(type)") } }
  }
}
