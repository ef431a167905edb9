import Basics
import JSON

/// JSON Schema that providers of language models accept: an object without `allOf` or `anyOf` at
/// the top level. `ruleSentences` state the rules between parameters, and a parameter's description
/// states the source of its values.
extension ParameterShape {
  /// - Parameters:
  ///   - source: the display name of a command that values come from.
  ///   - others: required members that `writeOthers` writes.
  public func writeToolSchema(
    to writer: inout JSONWriter, source: (String) -> String,
    requiring others: [String] = [], writeOthers: (inout JSONWriter) -> Void = { _ in }
  ) {
    writer.object { writer in
      writer.member("type", "object")
      writer.name("properties")
      writer.object { writer in
        for parameter in parameters {
          writer.name(text: parameter.name)
          writer.object { parameter.writeToolSchema(to: &$0, source: source) }
        }
        writeOthers(&writer)
      }
      let required = parameters.filter(\.isRequired).map(\.name) + others
      if !required.isEmpty {
        writer.name("required")
        writer.array { for name in required { $0.string(name) } }
      }
      // Types of a given schema refer to them.
      if let definitions = givenSchema?.json["$defs"] { writer.member("$defs", definitions) }
      writer.member("additionalProperties", false)
    }
  }
}

extension Parameter {
  fileprivate func writeToolSchema(
    to writer: inout JSONWriter, source: (String) -> String
  ) {
    writer.member("title", title)
    let origins = sources.map { $0.text(source) }
    writer.member(
      "description",
      origins.isEmpty
        ? description : "\(description) Source: \(origins.joined(separator: ", or ")).")
    writeType(&writer)
    if let defaultValue { writer.member("default", defaultValue) }
    guard !examples.isEmpty else { return }
    writer.name("examples")
    writer.array { for example in examples { $0.value(example) } }
  }
}
