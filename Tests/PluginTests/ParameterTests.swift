import Basics
import Testing

@testable import Plugin

private enum Method: String, ParameterChoice { case move, delete }

/// A made-up command with every kind of parameter and of rule.
private struct Sample: ParameterObject {
  static let naming = ParameterShape.Naming.snakeCase
  static let shape = ParameterShape(of: Sample.self)
  let ids: [String]
  let size: Int64
  let method: Method?
  let parent: String?
  let force: Bool?
  let device: Int64?
  let filter: Inner?

  init(_ parameters: inout ParamReader) {
    ids = parameters.optional("IDs", .list(of: .text, count: 1...3), "Some ids.", default: [])
    size = parameters.optional(
      "Page Size", .integer(from: 1, to: 100), "Items on a page.", default: 30)
    method = parameters.optional("Update Method", .choice(Method.self), "What to do.")
    parent = parameters.optional("Parent ID", .text, "Where to.")
    force = parameters.optional("Force Delete", .boolean, "Even when it is not empty.")
    device = parameters.optional("Device ID", .identifier, "A device.")
    filter = parameters.optional("Filter", .object(Inner.self), "Which ones.")
    parameters.atLeastOne(of: "IDs", "Device ID")
    parameters.required("Parent ID", when: "Update Method", isOneOf: "move")
    parameters.allowed("Force Delete", when: "Update Method", isOneOf: "delete")
  }
}

private struct Inner: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  let riskLevel: String?

  init(_ members: inout ParamReader) {
    riskLevel = members.optional("riskLevel", .text(maximumCharacters: 5), "A level.")
  }
}

@Suite struct ParameterNameTests {
  @Test(arguments: [
    ("Number of Event(s) Fetched", "number_of_events_fetched"), ("Context ID", "context_id"),
    ("User Email Or ID", "user_email_or_id"), ("Quick Scan - 1", "quick_scan_1"),
  ])
  func aTitleBecomesItsName(title: String, name: String) {
    #expect(ParameterName.snakeCase(title) == name)
  }
}

@Suite struct ParamReaderTests {
  private func problems(_ text: String) throws -> [String: ParameterProblem] {
    do {
      _ = try Sample.shape.decode(try JSON.parse(text)) { Sample(&$0) }
      return [:]
    } catch let problems as ParameterProblems {
      return Dictionary(problems.list.map { ($0.path, $0) }) { first, _ in first }
    }
  }

  @Test func whatIsLeftOutHasItsDefault() throws {
    let sample = try Sample.shape.decode(try JSON.parse(#"{"device_id":"17","parent_id":null}"#)) {
      Sample(&$0)
    }
    #expect(sample.size == 30)
    #expect(sample.device == 17)
    #expect(sample.parent == nil)
  }

  @Test func allFaultsComeAtOnceWithTheirPlaces() throws {
    let found = try problems(
      """
      {"ids":["a",1,""],"page_size":0,"update_method":"mve","force_delete":1,
       "filter":{"riskLevel":"critical","x":1},"page_sise":3}
      """)
    #expect(
      Set(found.keys) == [
        "/ids/1", "/ids/2", "/page_size", "/update_method", "/force_delete", "/filter/riskLevel",
        "/filter/x", "/page_sise",
      ])
    #expect(found["/update_method"]?.didYouMean == "move")
    #expect(found["/page_sise"]?.didYouMean == "page_size")
  }

  @Test func theMessageIsTheDocuments() throws {
    let error = #expect(throws: ParameterProblems.self) {
      try Sample.shape.decode(try JSON.parse(#"{"device_id":1,"page_size":101}"#)) { Sample(&$0) }
    }
    let sentences = error.map { problems in problems.list.map { problems.sentence(for: $0) } }
    #expect(sentences == ["The value for parameter (Page Size) is invalid."])
  }

  @Test(arguments: [
    ("{}", false), (#"{"ids":["a"]}"#, true), (#"{"device_id":1}"#, true),
    (#"{"device_id":1,"update_method":"move"}"#, false),
    (#"{"device_id":1,"update_method":"move","parent_id":"p"}"#, true),
    (#"{"device_id":1,"update_method":"delete"}"#, true),
    (#"{"device_id":1,"force_delete":true}"#, false),
    (#"{"device_id":1,"force_delete":true,"update_method":"delete"}"#, true),
    (#"{"device_id":1,"force_delete":true,"update_method":"move","parent_id":"p"}"#, false),
  ])
  func rulesHoldInTheCheckAndInTheSchema(arguments: String, isAccepted: Bool) throws {
    #expect(try problems(arguments).isEmpty == isAccepted)
    let schema = JSONFragment { Sample.shape.writeSchema(to: &$0) }.json
    #expect(SchemaRules.hold(schema, for: try JSON.parse(arguments)) == isAccepted)
  }
}

/// As much of JSON Schema as the rules use, read independently of what wrote it.
private enum SchemaRules {
  static func hold(_ schema: JSON, for value: JSON) -> Bool {
    (schema["allOf"]?.elements).map { $0.allSatisfy { applies($0, value) } } ?? true
  }

  private static func applies(_ schema: JSON, _ value: JSON) -> Bool {
    if let any = schema["anyOf"], !any.elements.contains(where: { applies($0, value) }) {
      return false
    }
    for name in schema["required"]?.elements.compactMap(\.string) ?? [] where value[name] == nil {
      return false
    }
    for property in schema["properties"]?.members.map({ $0 }) ?? [] {
      guard let given = value[property.name.string ?? ""],
        let allowed = property.value["enum"]
      else { continue }
      if !allowed.elements.contains(where: { $0.sourceText == given.sourceText }) { return false }
    }
    if let condition = schema["if"], applies(condition, value), let then = schema["then"] {
      return applies(then, value)
    }
    return true
  }
}

@Suite struct PolicyTests {
  @Test(arguments: [
    ("list_*", "list_devices", true), ("*", "", true), ("*_scan*", "patch_rescan", false),
    ("*rescan", "patch_rescan", true), ("l?st_*s", "list_devices", true), ("list", "lists", false),
    ("*a*b*c", "xxaxxbxxc", true), ("*a*b*c", "xxaxxcxxb", false),
  ])
  func aGlobMatchesWholeNames(pattern: String, name: String, matches: Bool) {
    #expect(Glob.matches(pattern, name) == matches)
  }
}
