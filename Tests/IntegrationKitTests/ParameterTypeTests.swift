import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct ParameterTypeTests {
  /// The problems of a value. Expects that the schema of the type accepts or rejects it
  /// accordingly.
  private func problems<T: ParameterType>(_ type: T, _ text: String) throws -> [String] {
    let json = try JSON.parse(text)
    var faults: [ParameterProblem] = []
    let value = type.decode(json, members: type.members, faults: &faults)
    #expect(value != nil || !faults.isEmpty)
    let schema = JSONFragment { writer in writer.object { type.writeSchema(to: &$0) } }.json
    #expect(
      SchemaEvaluator.accepts(schema, json) == faults.isEmpty,
      "the schema \(schema.sourceText) disagrees about \(text)")
    return faults.map { "\($0.path): \($0.message)" }
  }

  private func check<T: ParameterType>(
    _ type: T, accepts good: [String], rejects bad: [String], with message: String
  ) throws {
    for text in good { #expect(try problems(type, text) == [], "\(text)") }
    for text in bad { #expect(try problems(type, text) == [": \(message)"], "\(text)") }
  }

  @Test func `text is not empty and not too long`() throws {
    try check(
      .text(maximumCharacters: 3), accepts: [#""a""#, #""abc""#, #""é𝄞 ""#, #""\u0061\n""#],
      rejects: ["1", "true", "[]", "{}"], with: "must be a string")
    try check(.text, accepts: [#""a""#], rejects: [#""""#], with: "must not be empty")
    try check(
      .text(maximumCharacters: 3), accepts: [], rejects: [#""abcd""#, #""e\u0301e\u0301""#],
      with: "must have at most 3 characters")
  }

  @Test func `an integer is in its range`() throws {
    try check(
      .integer(from: -5, to: 100), accepts: ["1", "-5", "100", "1.0", "1e2", "0.5e1", "-0"],
      rejects: [
        "-6", "101", "1.5", "1e3", "1e400", #""1""#, "true", "[1]", "99999999999999999999",
      ],
      with: "must be an integer from -5 to 100")
    try check(
      .integer(from: 0, to: .max), accepts: ["0", "9223372036854775807"], rejects: ["-1", "0.1"],
      with: "must be an integer of 0 or more")
    try check(
      .page, accepts: ["1", "1000000000"], rejects: ["0", "1000000001"],
      with: "must be an integer from 1 to 1000000000")
  }

  @Test func `an identifier is an integer or a string of digits`() throws {
    try check(
      .identifier,
      accepts: [
        "0", "17", "999999999999999999", "1.0", #""17""#, #""007""#, #""999999999999999999""#,
      ],
      rejects: [
        "-1", "1000000000000000000", "1.5", #""""#, #""-1""#, #""+1""#, #"" 1""#, #""1.0""#,
        #""a""#,
        #""1000000000000000000""#, "true", "[]", #""１""#,
      ],
      with: "must be an integer from 0 of at most 18 digits, or a string of digits")
    var faults: [ParameterProblem] = []
    let type: IdentifierType = .identifier
    #expect(type.decode(try JSON.parse(#""0017""#), members: nil, faults: &faults) == 17)
  }

  @Test func `a boolean is true or false`() throws {
    try check(
      .boolean, accepts: ["true", "false"], rejects: ["0", "1", #""true""#, "[]"],
      with: "must be true or false")
  }

  @Test func `a duration is from one millisecond to one year`() throws {
    try check(
      .positiveNumber, accepts: ["0.001", "1", "1e3", "31536000", "31536000.0"],
      rejects: ["0", "-1", "0.0009", "31536001", "1e10", "1e400", #""1""#, "true"],
      with: "must be a number from 0.001 to 31536000")
  }

  @Test func `a choice is one of its names, and a typing error gets a suggestion`() throws {
    let message = "unknown value; expected one of: move, delete, keep_all"
    try check(
      .choice(SampleMethod.self), accepts: [#""move""#, #""delete""#, #""keep\u005fall""#],
      rejects: [#""""#, #""xyz""#, "1", "[\"move\"]"], with: message)
    for (text, suggestion) in [
      (#""mvoe""#, "move"), (#""Moves""#, "move"), (#""keep al""#, "keep_all"), (#""xyz""#, nil),
      (#""move ""#, "move"), ("1", nil),
    ] {
      var faults: [ParameterProblem] = []
      let type: ChoiceType<SampleMethod> = .choice(SampleMethod.self)
      _ = type.decode(try JSON.parse(text), members: nil, faults: &faults)
      #expect(faults.map(\.didYouMean) == [suggestion])
      let hint = suggestion.map { #"; did you mean "\#($0)"?"# } ?? ""
      #expect(faults.map(\.message) == [message + hint])
    }
  }

  @Test func `a choice takes the spellings of documents, which its schema leaves out`() throws {
    enum Level: String, ParameterChoice {
      case quickScan = "quick_scan"
      case fullScan = "full_scan"
      case none

      var documentedNumber: Int? { self == .quickScan ? 1 : self == .fullScan ? 11 : 0 }
      var otherNames: [String] { self == .none ? ["No Scan"] : [] }
    }
    func decoded(_ text: String) throws -> Level? {
      var faults: [ParameterProblem] = []
      return ChoiceType<Level>().decode(try JSON.parse(text), members: nil, faults: &faults)
    }
    for text in ["Quick Scan - 1", "QUICK SCAN", "quick-scan", "QuickScan", "1", "quick_scan_1"] {
      #expect(try decoded(#""\#(text)""#) == .quickScan, "\(text)")
    }
    #expect(try decoded("1") == .quickScan)
    #expect(try decoded("11") == .fullScan)
    #expect(try decoded("0") == Level.none)
    #expect(try decoded(#""no scan - 0""#) == Level.none)
    for text in ["Quick Scan - 11", "Quick Scan 2", "01", "", " ", " quick_scan", "quick scan,"] {
      #expect(try decoded(#""\#(text)""#) == nil, "\(text)")
    }
    for text in ["2", "-1", "1.5", "true", #"["quick_scan"]"#] {
      #expect(try decoded(text) == nil, "\(text)")
    }
  }

  @Test func `a list has a length, and each problem a path`() throws {
    try check(
      .list(of: .integer(from: 1, to: 9), count: 1...3), accepts: ["[1]", "[1,2,9]", "[1,1]"],
      rejects: ["1", #""1""#, "{}", #"{"0":1}"#], with: "must be an array")
    try check(
      .list(of: .text, count: 2...3), accepts: [], rejects: ["[]"],
      with: "must have at least 2 items, not 0")
    try check(
      .list(of: .text, count: 0...1), accepts: ["[]"], rejects: [#"["a","b"]"#],
      with: "must have at most 1 items, not 2")
    #expect(
      try problems(.list(of: .list(of: .boolean)), "[[true],[false,1],2]") == [
        "/1/1: must be true or false", "/2: must be an array",
      ])
    #expect(try problems(.list(of: .text), #"["a",null]"#) == ["/1: must be a string"])
  }

  @Test func `an object has declared members`() throws {
    #expect(try problems(.object(SamplePort.self), #"{"number":1}"#) == [])
    #expect(
      try problems(.object(SamplePort.self), #"{"protocols":["tcp",""],"x":1}"#) == [
        "/number: is required", "/protocols/1: must not be empty", "/x: unknown parameter",
      ])
    #expect(try problems(.object(SamplePort.self), "[]") == [": must be an object"])
    #expect(
      try problems(
        .list(of: .object(SampleFilter.self)),
        #"[{},{"port":{"number":0}},{"riskLevel":"123456789","port":{"numbr":1,"number":1}}]"#) == [
          "/1/port/number: must be an integer from 1 to 65535",
          "/2/riskLevel: must have at most 8 characters",
          #"/2/port/numbr: unknown parameter; did you mean "number"?"#,
        ])
  }

  @Test func `any JSON is accepted, or only JSON of one type`() throws {
    try check(
      .anyJSON, accepts: ["1.50", "[]", "{}", #""x""#, "true"], rejects: [], with: "")
    try check(
      .jsonObject, accepts: ["{}", #"{"a":[1]}"#], rejects: ["[]", "1", #""{}""#],
      with: "must be an object")
  }

  @Test func `a secret is a string or a reference`() throws {
    try check(
      .secret,
      accepts: [
        #""s""#, #"{"$env":"A"}"#, #"{"$file":"/x"}"#, #"{"$command":["op","read"]}"#,
        #"{"$command":["op",""]}"#,
      ],
      rejects: [
        #""""#, "1", "{}", "[]", #"{"$env":""}"#, #"{"$env":1}"#, #"{"$file":["x"]}"#,
        #"{"$command":[]}"#, #"{"$command":"op"}"#, #"{"$command":["op",1]}"#,
        #"{"$env":"A","$file":"B"}"#, #"{"$vault":"A"}"#, #"{"env":"A"}"#,
      ],
      with: #"must be a string, {"$env":"NAME"}, {"$file":"PATH"} or "#
        + #"{"$command":["PROGRAM","…"],"environment":["NAME"]}"#)
  }

  @Test func `a password has 8 to 100 printable ASCII characters`() throws {
    try check(
      .password,
      accepts: [#""12345678""#, #""PASSword!@#$ ~""#, "\"\(String(repeating: "x", count: 100))\""],
      rejects: [
        #""1234567""#, "12345678", #""pässword""#, #""1234567\n""#, #"["12345678"]"#, #""""#,
        "\"\(String(repeating: "x", count: 101))\"",
      ],
      with: "must have 8 to 100 printable ASCII characters")
  }

  @Test func `the hash of a password is as long as crypt makes it`() throws {
    try check(
      .passwordOrHash,
      accepts: [#""12345678""#, "\"\(String(repeating: "x", count: 383))\""],
      rejects: [#""1234567""#, "\"\(String(repeating: "x", count: 384))\""],
      with: "must have 8 to 383 printable ASCII characters")
  }

  @Test func `a single value is a list of one`() throws {
    let type = OneOrMoreType(list: ListType(element: TextType.text, countRange: 1...2))
    for text in [#""a""#, #"["a"]"#, #"["a","b"]"#] { #expect(try problems(type, text) == []) }
    for text in ["[]", "7", "{}", #""""#, #"["a","b","c"]"#, "[1]", #"[["a"]]"#] {
      #expect(try problems(type, text).count == 1, "\(text)")
    }
    var faults: [ParameterProblem] = []
    #expect(type.decode(try JSON.parse(#""a""#), members: nil, faults: &faults) == ["a"])
    #expect(type.fragment(["a"]).text == #""a""#)
    #expect(type.fragment(["a", "b"]).text == #"["a","b"]"#)
  }

  /// The schema can only check the start of a URL.
  @Test(arguments: [
    (#""https://a.example/x""#, nil), (#"" https://a.example""#, nil),
    (#""http://localhost""#, nil),
    ("1", "must be a string"),
    (#""a.example""#, "must start with https://, for example https://example.com"),
    (#""https://a b""#, "must not contain spaces, control or non-ASCII characters"),
  ])
  func `a server URL is valid and allowed`(text: String, message: String?) throws {
    var faults: [ParameterProblem] = []
    let type: ServerURLType = .serverURL
    let json = try JSON.parse(text)
    let url = type.decode(json, members: nil, faults: &faults)
    #expect(faults.map(\.message) == (message.map { [$0] } ?? []))
    #expect((url??.text == nil) == (message != nil))
    let schema = JSONFragment { writer in writer.object { type.writeSchema(to: &$0) } }.json
    if message == nil { #expect(SchemaEvaluator.accepts(schema, json)) }
  }
}
