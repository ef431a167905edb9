import Basics

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

  public func writeSchema(to writer: inout JSONWriter) {
    writer.object { writeMembers(to: &$0) }
  }

  private func writeMembers(to writer: inout JSONWriter) {
    switch self {
    case .any: break
    case .text: writeTypes(["string", "number", "boolean", "null"], to: &writer)
    case .integer: writeTypes(["integer", "string", "null"], to: &writer)
    case .number: writeTypes(["number", "string", "null"], to: &writer)
    case .boolean: writeTypes(["boolean", "string", "null"], to: &writer)
    case .array(let element):
      writeTypes(["array", "string", "null"], to: &writer)
      writer.name("items")
      element.writeSchema(to: &writer)
    case .object(let members):
      writeTypes(["object", "string", "null"], to: &writer)
      writer.name("properties")
      writer.object { writer in
        for member in members {
          writer.name(member.name)
          writer.object {
            if let about = member.about { $0.member("description", "\(about)") }
            member.shape.writeMembers(to: &$0)
          }
        }
      }
    }
  }

  private func writeTypes(_ types: [StaticString], to writer: inout JSONWriter) {
    writer.name("type")
    writer.array { for type in types { $0.string("\(type)") } }
  }
}
