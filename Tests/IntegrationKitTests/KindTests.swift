import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct KindTests {
  /// The faults of a value, which the schema of the kind has to judge alike.
  private func faults<K: Kind>(_ kind: K, _ text: String) throws -> [String] {
    let json = try JSON.parse(text)
    var faults: [ParameterProblem] = []
    let value = kind.decode(json, members: kind.members, faults: &faults)
    #expect(value != nil || !faults.isEmpty)
    let schema = JSONFragment { writer in writer.object { kind.writeSchema(to: &$0) } }.json
    #expect(
      SchemaEvaluator.accepts(schema, json) == faults.isEmpty,
      "the schema \(schema.sourceText) judges \(text) otherwise")
    return faults.map { "\($0.path): \($0.message)" }
  }

  private func check<K: Kind>(
    _ kind: K, accepts good: [String], refuses bad: [String], with message: String
  ) throws {
    for text in good { #expect(try faults(kind, text) == [], "\(text)") }
    for text in bad { #expect(try faults(kind, text) == [": \(message)"], "\(text)") }
  }

  @Test func `a text is not empty and not too long`() throws {
    try check(
      .text(maximumCharacters: 3), accepts: [#""a""#, #""abc""#, #""é𝄞 ""#, #""\u0061\n""#],
      refuses: ["1", "true", "[]", "{}"], with: "must be a string")
    try check(.text, accepts: [#""a""#], refuses: [#""""#], with: "must not be empty")
    try check(
      .text(maximumCharacters: 3), accepts: [], refuses: [#""abcd""#, #""e\u0301e\u0301""#],
      with: "has more than 3 characters")
  }

  @Test func `an integer is a whole number in its range`() throws {
    try check(
      .integer(from: -5, to: 100), accepts: ["1", "-5", "100", "1.0", "1e2", "0.5e1", "-0"],
      refuses: [
        "-6", "101", "1.5", "1e3", "1e400", #""1""#, "true", "[1]", "99999999999999999999",
      ],
      with: "must be an integer from -5 to 100")
    try check(
      .integer(from: 0, to: .max), accepts: ["0", "9223372036854775807"], refuses: ["-1", "0.1"],
      with: "must be an integer of 0 or more")
    try check(
      .page, accepts: ["1", "1000000000"], refuses: ["0", "1000000001"],
      with: "must be an integer from 1 to 1000000000")
  }

  @Test func `an identifier is a whole number, or its digits`() throws {
    try check(
      .identifier,
      accepts: [
        "0", "17", "999999999999999999", "1.0", #""17""#, #""007""#, #""999999999999999999""#,
      ],
      refuses: [
        "-1", "1000000000000000000", "1.5", #""""#, #""-1""#, #""+1""#, #"" 1""#, #""1.0""#,
        #""a""#,
        #""1000000000000000000""#, "true", "[]", #""１""#,
      ],
      with: "must be an integer of 0 or more and at most 18 digits, or a string of them")
    var faults: [ParameterProblem] = []
    let kind: IdentifierKind = .identifier
    #expect(kind.decode(try JSON.parse(#""0017""#), members: nil, faults: &faults) == 17)
  }

  @Test func `a boolean is one of two`() throws {
    try check(
      .boolean, accepts: ["true", "false"], refuses: ["0", "1", #""true""#, "[]"],
      with: "must be true or false")
  }

  @Test func `an amount of seconds is from a millisecond to a year`() throws {
    try check(
      .positiveNumber, accepts: ["0.001", "1", "1e3", "31536000", "31536000.0"],
      refuses: ["0", "-1", "0.0009", "31536001", "1e10", "1e400", #""1""#, "true"],
      with: "must be a number from 0.001 to 31536000")
  }

  @Test func `a choice is one of its names, and a slip is recognised`() throws {
    try check(
      .choice(SampleMethod.self), accepts: [#""move""#, #""delete""#, #""keep\u005fall""#],
      refuses: [#""mvoe""#, #""Move""#, #""keepAll""#, #""""#, "1", "[\"move\"]"],
      with: "must be one of move, delete, keep_all")
    for (text, suggestion) in [
      (#""mvoe""#, "move"), (#""keepAll""#, "keep_all"), (#""xyz""#, nil), ("1", nil),
    ] {
      var faults: [ParameterProblem] = []
      let kind: ChoiceKind<SampleMethod> = .choice(SampleMethod.self)
      _ = kind.decode(try JSON.parse(text), members: nil, faults: &faults)
      #expect(faults.map(\.didYouMean) == [suggestion])
    }
  }

  @Test func `a list has a length, and each fault its place`() throws {
    try check(
      .list(of: .integer(from: 1, to: 9), count: 1...3), accepts: ["[1]", "[1,2,9]", "[1,1]"],
      refuses: ["1", #""1""#, "{}", #"{"0":1}"#], with: "must be an array")
    try check(
      .list(of: .text, count: 2...3), accepts: [], refuses: ["[]", #"["a"]"#],
      with: "must hold at least 2")
    try check(
      .list(of: .text, count: 0...1), accepts: ["[]"], refuses: [#"["a","b"]"#],
      with: "must hold at most 1, not 2")
    #expect(
      try faults(.list(of: .list(of: .boolean)), "[[true],[false,1],2]") == [
        "/1/1: must be true or false", "/2: must be an array",
      ])
    #expect(try faults(.list(of: .text), #"["a",null]"#) == ["/1: must be a string"])
  }

  @Test func `an object has members of its own`() throws {
    #expect(try faults(.object(SamplePort.self), #"{"number":1}"#) == [])
    #expect(
      try faults(.object(SamplePort.self), #"{"protocols":["tcp",""],"x":1}"#) == [
        "/number: is required", "/protocols/1: must not be empty", "/x: is unknown",
      ])
    #expect(try faults(.object(SamplePort.self), "[]") == [": must be an object"])
    #expect(
      try faults(
        .list(of: .object(SampleFilter.self)),
        #"[{},{"port":{"number":0}},{"riskLevel":"123456789","port":{"numbr":1,"number":1}}]"#) == [
          "/1/port/number: must be an integer from 1 to 65535",
          "/2/riskLevel: has more than 8 characters", "/2/port/numbr: is unknown",
        ])
  }

  @Test func `any JSON is passed on, of one kind where that is said`() throws {
    try check(
      .anyJSON, accepts: ["1.50", "[]", "{}", #""x""#, "true"], refuses: [], with: "")
    try check(
      .jsonObject, accepts: ["{}", #"{"a":[1]}"#], refuses: ["[]", "1", #""{}""#],
      with: "must be an object")
  }

  @Test func `a secret is a text or says where it is kept`() throws {
    try check(
      .secret,
      accepts: [
        #""s""#, #"{"$env":"A"}"#, #"{"$file":"/x"}"#, #"{"$command":["op","read"]}"#,
        #"{"$command":["op",""]}"#,
      ],
      refuses: [
        #""""#, "1", "{}", "[]", #"{"$env":""}"#, #"{"$env":1}"#, #"{"$file":["x"]}"#,
        #"{"$command":[]}"#, #"{"$command":"op"}"#, #"{"$command":["op",1]}"#,
        #"{"$env":"A","$file":"B"}"#, #"{"$vault":"A"}"#, #"{"env":"A"}"#,
      ],
      with: #"must be a string, {"$env":"NAME"}, {"$file":"PATH"} or {"$command":["PROGRAM","…"]}"#)
  }

  @Test func `a password has 8 to 100 printable ASCII characters`() throws {
    try check(
      .password,
      accepts: [#""12345678""#, #""PASSword!@#$ ~""#, "\"\(String(repeating: "x", count: 100))\""],
      refuses: [
        #""1234567""#, "12345678", #""pässword""#, #""1234567\n""#, #"["12345678"]"#, #""""#,
        "\"\(String(repeating: "x", count: 101))\"",
      ],
      with: "must be 8 to 100 printable ASCII characters")
  }

  @Test func `one value stands for a list of one`() throws {
    let kind = OneOrMoreKind(list: ListKind(element: TextKind.text, countRange: 1...2))
    for text in [#""a""#, #"["a"]"#, #"["a","b"]"#] { #expect(try faults(kind, text) == []) }
    for text in ["[]", "7", "{}", #""""#, #"["a","b","c"]"#, "[1]", #"[["a"]]"#] {
      #expect(try faults(kind, text).count == 1, "\(text)")
    }
    var faults: [ParameterProblem] = []
    #expect(kind.decode(try JSON.parse(#""a""#), members: nil, faults: &faults) == ["a"])
    #expect(kind.fragment(["a"]).text == #""a""#)
    #expect(kind.fragment(["a", "b"]).text == #"["a","b"]"#)
  }

  /// The schema can only say how a URL begins.
  @Test(arguments: [
    (#""https://a.example/x""#, nil), (#"" https://a.example""#, nil),
    (#""http://localhost""#, nil),
    ("1", "must be a string"),
    (#""a.example""#, "must start with https://, for example https://example.com"),
    (#""https://a b""#, "must not contain spaces, control or non-ASCII characters"),
  ])
  func `a server URL is one that may be called`(text: String, message: String?) throws {
    var faults: [ParameterProblem] = []
    let kind: ServerURLKind = .serverURL
    let json = try JSON.parse(text)
    let url = kind.decode(json, members: nil, faults: &faults)
    #expect(faults.map(\.message) == (message.map { [$0] } ?? []))
    #expect((url??.text == nil) == (message != nil))
    let schema = JSONFragment { writer in writer.object { kind.writeSchema(to: &$0) } }.json
    if message == nil { #expect(SchemaEvaluator.accepts(schema, json)) }
  }
}
