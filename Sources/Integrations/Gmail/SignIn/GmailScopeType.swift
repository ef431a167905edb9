import Basics
import IntegrationKit
import JSON

/// A scope: its address, or the last part of it.
struct GmailScopeType: ParameterType {
  var placeholder: GmailScope { .mail }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> GmailScope? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    if let scope = GmailScope(named: text) { return scope }
    let names = GmailScope.allCases.map { text.contains("/") ? $0.url : $0.rawValue }
    faults.append(
      ParameterProblem(
        "unknown scope; expected one of: \(names.joined(separator: ", "))",
        didYouMean: Suggestion.closest(to: text, among: names)))
    return nil
  }

  func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.name("enum")
    writer.array { writer in
      for scope in GmailScope.allCases {
        writer.string(scope.rawValue)
        writer.string(scope.url)
      }
    }
  }

  func write(_ value: GmailScope, to writer: inout JSONWriter) { writer.string(value.rawValue) }
}
