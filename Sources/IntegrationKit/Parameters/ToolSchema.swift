import Basics
import JSON

/// JSON Schema as providers of language models take it: an object without `allOf` or `anyOf` at its
/// top. Rules between parameters are left to `ruleSentences`, and where a value comes from is told in
/// the parameter's description.
extension ParameterShape {
  /// - Parameters:
  ///   - source: how a command that values come from is called.
  ///   - others: names of further members that `writeOthers` writes.
  public func writeToolSchema(
    to writer: inout JSONWriter, source: (StaticString) -> String,
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
      writer.member("additionalProperties", false)
    }
  }
}

extension Parameter {
  fileprivate func writeToolSchema(
    to writer: inout JSONWriter, source: (StaticString) -> String
  ) {
    writer.member("title", title)
    let origins = sources.map { "\(source($0.command)) at \($0.path)" }
    writer.member(
      "description",
      origins.isEmpty ? about : "\(about) Found by \(origins.joined(separator: ", or by ")).")
    writeType(&writer)
    if let defaultValue { writer.member("default", defaultValue) }
    guard !examples.isEmpty else { return }
    writer.name("examples")
    writer.array { for example in examples { $0.value(example) } }
  }
}
