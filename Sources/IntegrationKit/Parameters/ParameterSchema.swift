import Basics
import JSON

/// JSON Schema (2020-12) from a declaration.
extension ParameterShape {
  public func writeSchema(to writer: inout JSONWriter) {
    if let givenSchema { return writer.value(givenSchema) }
    writer.object { writeSchemaMembers(to: &$0) }
  }

  public func writeSchemaMembers(to writer: inout JSONWriter) {
    writer.member("type", "object")
    writer.name("properties")
    writer.object { writer in
      for parameter in parameters {
        writer.name(text: parameter.name)
        writer.object { parameter.writeSchema(to: &$0) }
      }
    }
    let required = parameters.filter(\.isRequired)
    if !required.isEmpty {
      writer.name("required")
      writer.array { for parameter in required { $0.string(parameter.name) } }
    }
    if !rules.isEmpty {
      writer.name("allOf")
      writer.array { for rule in rules { writeSchema(of: rule, to: &$0) } }
    }
    writer.member("additionalProperties", false)
  }
}

extension Parameter {
  fileprivate func writeSchema(to writer: inout JSONWriter) {
    writer.member("title", title)
    writer.member("description", description)
    writeType(&writer)
    if let defaultValue { writer.member("default", defaultValue) }
    if !examples.isEmpty {
      writer.name("examples")
      writer.array { for example in examples { $0.value(example) } }
    }
    guard !sources.isEmpty else { return }
    writer.name("x-source")
    writer.array { for source in sources { source.write(to: &$0) } }
  }
}
