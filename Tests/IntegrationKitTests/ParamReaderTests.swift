import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct ParamReaderTests {
  private func sample(_ text: String?) throws -> Sample {
    try Sample.shape.decode(text.map { try JSON.parse($0) }) { Sample(&$0) }
  }

  private func problems(_ text: String?) throws -> ParameterProblems? {
    do {
      _ = try sample(text)
      return nil
    } catch let problems as ParameterProblems {
      return problems
    }
  }

  /// Problems as `path: message`.
  private func lines(_ text: String?) throws -> [String] {
    try problems(text)?.list.map { "\($0.path): \($0.message)" } ?? []
  }

  @Test func `every parameter type is decoded`() throws {
    let sample = try sample(
      """
      {"scan_name":"n","endpoint_ids":["a","b"],"page_size":7,"page":2,"device_id":"17",
       "update_method":"keep_all","parent_id":"p","force_delete":false,"per_seconds":0.5,
       "server_url":" https://a.example/ ","filter":{"riskLevel":"x","port":{"number":443}},
       "ports":[{"number":1},{"number":2,"protocols":["udp"]}],"anything":[1.50, null],
       "custom_fields":{"a" : 1},"api_key":"secret"}
      """)
    #expect(sample.name == "n")
    #expect(sample.ids == ["a", "b"])
    #expect(sample.size == 7 && sample.page == 2 && sample.device == 17)
    #expect(sample.method == .keepAll && sample.parent == "p" && sample.force == false)
    #expect(sample.seconds == 0.5)
    #expect(sample.server == "https://a.example")
    #expect(sample.filter?.riskLevel == "x" && sample.filter?.port?.number == 443)
    #expect(sample.filter?.port?.protocols == ["tcp"])
    #expect(sample.ports?.map(\.number) == [1, 2])
    #expect(sample.ports?.map(\.protocols) == [["tcp"], ["udp"]])
    #expect(sample.anything == "[1.50, null]" && sample.fields == #"{"a" : 1}"#)
    #expect(sample.isKeyGiven)
  }

  @Test(arguments: [
    #"{"scan_name":"n","device_id":1}"#,
    #"{"device_id":1,"scan_name":"n"}"#,
    #"{"scan\u005fname":"n","device_id":1,"device_id":1}"#,
    // Null counts as not given.
    """
    {"scan_name":"n","device_id":1,"endpoint_ids":null,"page_size":null,"page":null,
     "update_method":null,"parent_id":null,"force_delete":null,"per_seconds":null,
     "server_url":null,"filter":null,"ports":null,"anything":null,"custom_fields":null,
     "api_key":null}
    """,
  ])
  func `a missing parameter has its default or nil`(text: String) throws {
    let sample = try sample(text)
    #expect(sample.ids == [] && sample.size == 30 && sample.device == 1)
    #expect(sample.page == nil && sample.method == nil && sample.parent == nil)
    #expect(sample.force == nil && sample.seconds == nil && sample.server == nil)
    #expect(sample.filter == nil && sample.ports == nil && sample.anything == nil)
    #expect(sample.fields == nil && !sample.isKeyGiven)
  }

  @Test func `all problems are reported at once, with paths and suggestions`() throws {
    #expect(
      try lines(
        """
        {"scan_name":"too long","endpoint_ids":["a",1,""],"page_size":0,"page":"1","device_id":-1,
         "update_method":"mvoe","parent_id":"","force_delete":1,"per_seconds":0,
         "server_url":"http://a.example","filter":{"riskLevel":1,"risklevel":"x","port":{"number":0}},
         "ports":[{"number":1},{"protocols":[1]},2],"custom_fields":[],"api_key":{"$env":1},
         "page_sise":3,"scanName":"x","a/b~c":1}
        """) == [
          "/scan_name: must have at most 5 characters",
          "/endpoint_ids/1: must be a string", "/endpoint_ids/2: must not be empty",
          "/page_size: must be an integer from 1 to 100",
          "/page: must be an integer from 1 to 1000000000",
          "/device_id: must be an integer from 0 of at most 18 digits, or a string of digits",
          #"/update_method: unknown value; expected one of: move, delete, keep_all; did you mean "move"?"#,
          "/parent_id: must not be empty", "/force_delete: must be true or false",
          "/per_seconds: must be a number from 0.001 to 31536000",
          "/server_url: must start with https://; http:// sends credentials in clear text and "
            + "is allowed only for this machine",
          "/filter/riskLevel: must be a string",
          "/filter/port/number: must be an integer from 1 to 65535",
          #"/filter/risklevel: unknown parameter; did you mean "riskLevel"?"#,
          "/ports/1/number: is required", "/ports/1/protocols/0: must be a string",
          "/ports/2: must be an object", "/custom_fields: must be an object",
          #"/api_key: must be a string, {"$env":"NAME"}, {"$file":"PATH"} or {"$command":["PROGRAM","…"],"environment":["NAME"]}"#,
          #"/page_sise: unknown parameter; did you mean "page_size"?"#,
          #"/scanName: unknown parameter; did you mean "scan_name"?"#,
          "/a~1b~0c: unknown parameter",
          "/force_delete: is allowed only when update_method is delete or keep_all",
        ])
  }

  @Test(
    arguments: [
      (nil, ["/scan_name: is required", ": at least one of endpoint_ids, device_id is required"]),
      ("{}", ["/scan_name: is required", ": at least one of endpoint_ids, device_id is required"]),
      (
        #"{"scan_name":null,"device_id":null}"#,
        ["/scan_name: is required", ": at least one of endpoint_ids, device_id is required"]
      ),
      ("[]", [": must be an object"]), ("null", [": must be an object"]),
      (
        #"{"scan_name":"n","device_id":1,"update_method":"move","parent_id":null}"#,
        ["/parent_id: is required when update_method is move"]
      ),
      (#"{"scan_name":"n","device_id":1,"":2}"#, ["/: unknown parameter"]),
      // Names that look the same but differ.
      (#"{"scan_name":"n","device_id":1,"\u212a":2}"#, ["/\u{212A}: unknown parameter"]),
      (#"{"scan_name":"n","device_id":1,"a/\u0338":2}"#, ["/a~1\u{338}: unknown parameter"]),
    ] as [(String?, [String])])
  func `missing and unknown parameters are reported`(text: String?, expected: [String]) throws {
    let found = try lines(text)
    #expect(found.map { Array($0.unicodeScalars) } == expected.map { Array($0.unicodeScalars) })
  }

  @Test func `a name that only looks like a parameter's is unknown`() throws {
    struct Kelvin: ParameterObject {
      static let naming = ParameterShape.Naming.verbatim
      init(_ members: inout ParamReader) { _ = members.optional("K", .text, "Kelvin.") }
    }
    let error = #expect(throws: ParameterProblems.self) {
      try ParameterShape(of: Kelvin.self).decode(try JSON.parse(#"{"\u212a":"x"}"#)) { Kelvin(&$0) }
    }
    #expect(error?.list.map(\.isUnknown) == [true])
  }

  @Test(arguments: [
    (
      #"{"scan_name":"n","device_id":1,"page_size":101}"#,
      "The value for parameter (Page Size) is invalid."
    ),
    (
      #"{"scan_name":"n","endpoint_ids":["a",1]}"#,
      "The value for parameter (Endpoint ID(s)) is invalid."
    ),
    (
      #"{"scan_name":"n","device_id":1,"filter":{"port":{}}}"#,
      "The value for parameter (Filter) is required."
    ),
    (#"{"device_id":1}"#, "The value for parameter (Scan Name) is required."),
    (
      #"{"scan_name":"n","device_id":1,"update_method":"move"}"#,
      "The value for parameter (Parent ID) is required."
    ),
    (
      #"{"scan_name":"n","device_id":1,"force_delete":true}"#,
      "The value for parameter (Force Delete) is invalid."
    ),
    (#"{"scan_name":"n","device_id":1,"page_sise":1}"#, "The parameter (page_sise) is unknown."),
    (#"{"scan_name":"n"}"#, "At least one of endpoint_ids, device_id is required."),
  ])
  func `the sentence is that of the documents`(text: String, sentence: String) throws {
    let problems = try #require(try problems(text))
    #expect(problems.list.map { problems.sentence(for: $0) } == [sentence])
  }

  @Test func `lines contain the full paths`() throws {
    let problems = try #require(try problems(#"{"scan_name":"n","device_idd":1}"#))
    #expect(
      problems.lines(prefix: "/arguments") == [
        #"/arguments/device_idd: unknown parameter; did you mean "device_id"?"#,
        "/arguments: at least one of endpoint_ids, device_id is required",
      ])
    #expect(
      problems.lines(prefix: "").last == "at least one of endpoint_ids, device_id is required")
    #expect(
      problems.inside("a/b").inside("0").list.map(\.path) == ["/0/a~1b/device_idd", "/0/a~1b"])
  }

  @Test func `a command without parameters accepts none`() throws {
    let shape = ParameterShape { _ in }
    try shape.decode(nil) { _ in }
    try shape.decode(try JSON.parse("{}")) { _ in }
    let error = #expect(throws: ParameterProblems.self) {
      try shape.decode(try JSON.parse(#"{"a":1}"#)) { _ in }
    }
    #expect(error?.list.map(\.message) == ["unknown parameter; no parameters are accepted"])
  }
}
