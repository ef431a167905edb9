import Basics

/// JSON Schema (2020-12) out of a declaration.
extension ParameterShape {
  public func writeSchema(to writer: inout JSONWriter) {
    writer.object { writeSchemaMembers(to: &$0) }
  }

  func writeSchemaMembers(to writer: inout JSONWriter) {
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
      writer.array { for rule in rules { rule.writeSchema(to: &$0) } }
    }
    writer.member("additionalProperties", false)
  }
}

extension Parameter {
  fileprivate func writeSchema(to writer: inout JSONWriter) {
    writer.member("title", title)
    writer.member("description", about)
    writeKind(&writer)
    if let defaultValue { writer.member("default", defaultValue) }
    if !examples.isEmpty {
      writer.name("examples")
      writer.array { for example in examples { $0.value(example) } }
    }
    guard !sources.isEmpty else { return }
    writer.name("x-source")
    writer.array { writer in
      for source in sources {
        writer.object {
          $0.member("command", "\(source.command)")
          $0.member("path", "\(source.path)")
        }
      }
    }
  }
}

extension Rule {
  fileprivate func writeSchema(to writer: inout JSONWriter) {
    writer.object { writer in
      switch self {
      case .atLeastOne(let names):
        writer.name("anyOf")
        writer.array { writer in
          for name in names { writer.object { Self.writeRequired(name, to: &$0) } }
        }
      case .required(let name, let condition, let values):
        Self.writeIf(condition, values, to: &writer)
        writer.name("then")
        writer.object { Self.writeRequired(name, to: &$0) }
      case .allowed(let name, let condition, let values):
        writer.name("if")
        writer.object { Self.writeRequired(name, to: &$0) }
        writer.name("then")
        writer.object { Self.writeCondition(condition, values, to: &$0) }
      }
    }
  }

  private static func writeIf(
    _ condition: String, _ values: [String], to writer: inout JSONWriter
  ) {
    writer.name("if")
    writer.object { writeCondition(condition, values, to: &$0) }
  }

  private static func writeCondition(
    _ name: String, _ values: [String], to writer: inout JSONWriter
  ) {
    writer.name("properties")
    writer.object { writer in
      writer.name(text: name)
      writer.object {
        $0.name("enum")
        $0.array { for value in values { $0.string(value) } }
      }
    }
    writeRequired(name, to: &writer)
  }

  private static func writeRequired(_ name: String, to writer: inout JSONWriter) {
    writer.name("required")
    writer.array { $0.string(name) }
  }
}
