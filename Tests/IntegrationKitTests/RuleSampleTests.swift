import Basics
import JSON
import Testing

@testable import IntegrationKit

private enum ScanType: String, ParameterChoice {
  case quickScan = "quick_scan"
  case customScan = "custom_scan"
}

/// Sample commands with rules that depend on defaults, lists and times.
private enum RuleSample {
  static let scan = ParameterShape { parameters in
    _ = parameters.optional("Endpoint IDs", .list(of: .text), "Some.", default: [])
    _ = parameters.optional("Mac Addresses", .list(of: .text), "Others.")
    _ = parameters.optional(
      "Scan Type", .choice(ScanType.self), "How.", default: ScanType.quickScan)
    _ = parameters.optional("Depth", .integer(from: 1, to: 3), "How deep.", default: 2)
    _ = parameters.optional("Paths", .list(of: .text), "Where.")
    parameters.atLeastOne(
      of: "Endpoint IDs", "Mac Addresses",
      message: "The input parameters 'Endpoint IDs' & 'Mac Addresses' cannot be empty.")
    parameters.allowed("Depth", when: "Scan Type", isOneOf: .choice(ScanType.customScan))
    parameters.required("Paths", when: "Scan Type", isOneOf: "custom_scan")
  }

  static let update = ParameterShape { parameters in
    _ = parameters.optional(
      "Update Method", .choice(SampleMethod.self), "What.", default: SampleMethod.move)
    _ = parameters.optional("Parent ID", .text, "Where to.")
    _ = parameters.optional("Force Delete", .boolean, "Anyway.", default: false)
    parameters.required("Parent ID", when: "Update Method", isOneOf: "move")
    parameters.allowed("Force Delete", when: "Update Method", isOneOf: "delete")
  }

  static let list = ParameterShape { parameters in
    _ = parameters.optional("Is Managed", .boolean, "Those.", default: true)
    _ = parameters.optional("Only New", .boolean, "These.")
    _ = parameters.optional("Policy ID", .text, "With it.")
    _ = parameters.optional("Reason", .text, "Why not.")
    parameters.allowed("Policy ID", when: "Is Managed", isOneOf: true)
    parameters.required("Reason", when: "Is Managed", isOneOf: false)
    parameters.allowed("Reason", when: "Only New", isOneOf: false)
  }

  static let period = ParameterShape { parameters in
    _ = parameters.optional("Start Date", .timestamp, "From.")
    _ = parameters.optional("End Date", .timestamp, "To.")
    parameters.ordered(
      "Start Date", notAfter: "End Date", message: "Start Time cannot be greater than End Time.")
  }

  static let strictPeriod = ParameterShape { parameters in
    _ = parameters.optional("Start Date", .timestamp, "From.")
    _ = parameters.optional("End Date", .timestamp, "To.")
    parameters.ordered(
      "Start Date", before: "End Date", message: "Start Time must precede End Time.")
  }
}

@Suite struct RuleSampleTests {
  private func problems(_ shape: ParameterShape, _ text: String) throws -> ParameterProblems? {
    let json = try JSON.parse(text)
    let violated = shape.violatedRules(by: json)
    return violated.isEmpty ? nil : ParameterProblems(list: violated, shape: shape)
  }

  /// Every combination of values of some members. A missing member is not given.
  private func combinations(_ members: [(name: String, values: [String])]) -> [[String: String]] {
    members.reduce([[:]]) { all, member in
      all.flatMap { given in
        [given]
          + member.values.map { value in given.merging([member.name: value]) { $1 } }
      }
    }
  }

  /// Compares validation and schema with `isAllowed` for every combination.
  private func compare(
    _ shape: ParameterShape, _ members: [(name: String, values: [String])],
    _ isAllowed: ([String: String]) -> Bool
  ) throws {
    let schema = JSONFragment { shape.writeSchema(to: &$0) }.json
    for given in combinations(members) {
      let text = "{" + given.map { #""\#($0)":\#($1)"# }.joined(separator: ",") + "}"
      let nulls = members.filter { given[$0.name] == nil }.map { #""\#($0.name)":null"# }
      let textWithNulls =
        "{" + (given.map { #""\#($0)":\#($1)"# } + nulls).joined(separator: ",") + "}"
      let expected = isAllowed(given)
      #expect(try (problems(shape, text) == nil) == expected, "checking \(text)")
      #expect(try (problems(shape, textWithNulls) == nil) == expected, "checking \(textWithNulls)")
      #expect(
        SchemaEvaluator.accepts(schema, try JSON.parse(text)) == expected, "the schema on \(text)")
    }
  }

  @Test func `an empty list is as good as none, and a default scan type counts`() throws {
    try compare(
      RuleSample.scan,
      [
        ("endpoint_ids", ["[]", #"["a"]"#]), ("mac_addresses", ["[]", #"["b"]"#]),
        ("scan_type", [#""quick_scan""#, #""custom_scan""#]), ("depth", ["1", "2", "2.0"]),
        ("paths", [#"["/"]"#]),
      ]
    ) { given in
      let hasTarget = given["endpoint_ids"] == #"["a"]"# || given["mac_addresses"] == #"["b"]"#
      let isCustom = given["scan_type"] == #""custom_scan""#
      return hasTarget && (isCustom || given["depth"] != "1")
        && (!isCustom || given["paths"] != nil)
    }
  }

  @Test func `a default counts for a condition, and giving a default is always allowed`() throws {
    try compare(
      RuleSample.update,
      [
        ("update_method", [#""move""#, #""delete""#, #""keep_all""#]), ("parent_id", [#""p""#]),
        ("force_delete", ["true", "false"]),
      ]
    ) { given in
      let method = given["update_method"] ?? #""move""#
      return (method != #""move""# || given["parent_id"] != nil)
        && (given["force_delete"] != "true" || method == #""delete""#)
    }
  }

  @Test func `a rule can depend on a boolean`() throws {
    try compare(
      RuleSample.list,
      [
        ("is_managed", ["true", "false"]), ("only_new", ["true", "false"]),
        ("policy_id", [#""p""#]), ("reason", [#""r""#]),
      ]
    ) { given in
      let isManaged = given["is_managed"] != "false"
      return (given["policy_id"] == nil || isManaged) && (given["reason"] != nil || isManaged)
        && (given["reason"] == nil || given["only_new"] == "false")
    }
  }

  @Test(arguments: [
    (
      #"{}"#, "/parent_id", "is required when update_method is move (its default)",
      "The value for parameter (Parent ID) is required."
    ),
    (
      #"{"update_method":"move"}"#, "/parent_id", "is required when update_method is move",
      "The value for parameter (Parent ID) is required."
    ),
    (
      #"{"parent_id":"p","force_delete":true}"#, "/force_delete",
      "is allowed only when update_method is delete",
      "The value for parameter (Force Delete) is invalid."
    ),
  ])
  func `a violated rule is reported`(
    text: String, path: String, message: String, sentence: String
  ) throws {
    let problems = try #require(try problems(RuleSample.update, text))
    #expect(problems.list.map(\.path) == [path] && problems.list.map(\.message) == [message])
    #expect(problems.list.map { problems.sentence(for: $0) } == [sentence])
  }

  @Test func `a rule has the sentence of the documents, if they have one`() throws {
    let problems = try #require(try problems(RuleSample.scan, #"{"endpoint_ids":[]}"#))
    #expect(
      problems.lines(prefix: "") == [
        "at least one of endpoint_ids, mac_addresses is required"
      ])
    #expect(
      problems.list.map { problems.inside("a").sentence(for: $0) } == [
        "The input parameters 'Endpoint IDs' & 'Mac Addresses' cannot be empty."
      ])
  }

  @Test(arguments: [
    (#"{"start_date":"2022-05-19","end_date":"2022-05-20"}"#, true),
    (#"{"start_date":"2022-05-19","end_date":"2022-05-19T00:00:00Z"}"#, true),
    (#"{"start_date":"2022-05-19T01:00:00+02:00","end_date":"05/18/2022 11:00 PM"}"#, true),
    (#"{"start_date":"2022-05-19T00:00:00.001Z","end_date":"2022-05-19"}"#, false),
    (#"{"start_date":1652925600001,"end_date":"1652925600000"}"#, false),
    (#"{"start_date":"2022-05-19"}"#, true), (#"{"end_date":"2022-05-19"}"#, true), ("{}", true),
    (#"{"start_date":"2022-05-19","end_date":null}"#, true),
    // An invalid time is reported separately, once.
    (#"{"start_date":"2022-05-19","end_date":"yesterday"}"#, true),
  ])
  func `a start time must not be after its end time`(text: String, isOrdered: Bool) throws {
    let problems = try problems(RuleSample.period, text)
    #expect(problems?.list.map(\.path) == (isOrdered ? nil : ["/start_date"]))
    #expect(problems?.list.map(\.message) == (isOrdered ? nil : ["must not be after end_date"]))
    #expect(
      problems.map { problems in problems.list.map { problems.sentence(for: $0) } }
        == (isOrdered ? nil : ["Start Time cannot be greater than End Time."]))
  }

  @Test(arguments: [
    (#"{"start_date":"2022-05-19","end_date":"2022-05-19T00:00:00.001Z"}"#, true),
    (#"{"start_date":"2022-05-19","end_date":"2022-05-19T00:00:00Z"}"#, false),
    (#"{"start_date":1652925600002,"end_date":1652925600001}"#, false),
    (#"{"start_date":1652925600002}"#, true), ("{}", true),
  ])
  func `a start time must be before its end time, if the rule is strict`(
    text: String, isOrdered: Bool
  ) throws {
    let problems = try problems(RuleSample.strictPeriod, text)
    #expect(problems?.list.map(\.message) == (isOrdered ? nil : ["must be before end_date"]))
    #expect(
      problems.map { problems in problems.list.map { problems.sentence(for: $0) } }
        == (isOrdered ? nil : ["Start Time must precede End Time."]))
  }

  @Test func `the schema describes rules that it cannot check`() throws {
    let schema = JSONFragment { RuleSample.period.writeSchema(to: &$0) }.json
    #expect(
      schema["allOf"]?[0]?["description"]?.string == "start_date must not be after end_date.")
    #expect(
      RuleSample.strictPeriod.ruleSentences == ["start_date must be before end_date."])
  }
}
