import Basics
import JSON

/// A compiled JSON Schema (draft 2020-12).
///
/// All vocabularies, with these limits: a reference leads to a place in the same document, and a
/// pattern is in the dialect `Regexp.Dialect.ecmaSubset`. `format` and the keywords of content are
/// annotations: they never make a value invalid. Members with repeated names are all checked. The
/// work for one value is bounded (`SchemaLimits`).
package final class JSONSchema: Sendable {
  private let schema: CompiledSchema

  /// - Throws: why the schema cannot be checked, with JSON Pointers into the schema; all faults at
  ///   once.
  package init(_ schema: JSON) throws(SchemaFaults) {
    self.schema = try SchemaCompiler.compile(schema)
  }

  /// Every fault of a value, at most `SchemaLimits.faults`.
  ///
  /// - Parameters:
  ///   - term: what a message calls a member.
  ///   - steps: the maximum work of deciding, and of reporting.
  package func faults(
    of value: JSON, term: StaticString = "member", steps: Int = SchemaLimits.steps
  ) -> [SchemaFault] {
    // Most values are valid. The first run stops at the first fault and builds no messages.
    var check = Validator(schema, term: term, steps: steps)
    if check.accepts(0, value), check.exceeded == nil { return [] }
    if let limit = check.limitFault { return [limit] }
    var report = Validator(schema, term: term, steps: steps)
    report.isReporting = true
    _ = report.accepts(0, value)
    if report.faults.isEmpty {
      return [
        report.limitFault
          ?? SchemaFault(schemaPath: "", message: "does not match the schema")
      ]
    }
    return report.faults
  }
}
