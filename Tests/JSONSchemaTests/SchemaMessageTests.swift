import Basics
import JSON
import JSONSchema
import Testing

/// What users read: paths, messages and suggestions.
struct SchemaMessageTests {
  /// A schema, a value, and the expected faults: "path: message; did you mean …".
  typealias Row = (schema: String, value: String, faults: [String])

  private func expect(_ row: Row) throws {
    let schema = try JSONSchema(try JSON.parse(row.schema))
    let faults = schema.faults(of: try JSON.parse(row.value))
    #expect(faults.map(\.text) == row.faults, "\(row.schema) \(row.value)")
  }

  @Test(arguments: [
    (#"{"type":"string"}"#, "1", ["must be a string"]),
    (#"{"type":"integer"}"#, "1.5", ["must be an integer"]),
    (#"{"type":"integer"}"#, "1.0", []),
    (#"{"type":"integer"}"#, "1e400", []),
    (#"{"type":"number"}"#, #""1""#, ["must be a number"]),
    (#"{"type":"boolean"}"#, "0", ["must be true or false"]),
    (#"{"type":"null"}"#, "0", ["must be null"]),
    (#"{"type":"array"}"#, "{}", ["must be an array"]),
    (#"{"type":"object"}"#, "[]", ["must be an object"]),
    (#"{"type":["null","string"]}"#, "1", ["must be a string or null"]),
    (#"{"type":["integer","string","null"]}"#, "[]", ["must be a string, an integer or null"]),
    (#"{"type":["integer","number"]}"#, "[]", ["must be a number"]),
    ("false", "1", ["is not allowed"]),
    (#"{"properties":{"a":false}}"#, #"{"a":1}"#, ["/a: is not allowed"]),
  ])
  func `a wrong type is reported`(schema: String, value: String, faults: [String]) throws {
    try expect((schema, value, faults))
  }

  @Test(arguments: [
    (
      #"{"type":"integer","minimum":1,"maximum":100}"#, "0", ["must be an integer from 1 to 100"]
    ),
    (
      #"{"type":"integer","minimum":1,"maximum":100}"#, #""a""#,
      ["must be an integer from 1 to 100"]
    ),
    (#"{"type":"integer","minimum":1}"#, "0", ["must be an integer of 1 or more"]),
    (#"{"maximum":1.50}"#, "2", ["must be a number of 1.50 or less"]),
    (#"{"exclusiveMinimum":0}"#, "0", ["must be a number greater than 0"]),
    (
      #"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, "1",
      ["must be a number greater than 0 and less than 1"]
    ),
    (#"{"multipleOf":0.01}"#, "0.015", ["must be a multiple of 0.01"]),
    (#"{"minLength":1}"#, #""""#, ["must not be empty"]),
    (#"{"minLength":2}"#, #""é""#, ["must have at least 2 characters"]),
    (#"{"maxLength":1}"#, #""\u00e9\ud83d\ude00""#, ["must have at most 1 character"]),
    (#"{"maxLength":2}"#, #""\u00e9\ud83d\ude00""#, []),
    (#"{"maxLength":2}"#, #""é😀""#, []),
    (#"{"minLength":3}"#, #""é😀""#, ["must have at least 3 characters"]),
    (#"{"pattern":"^a+$"}"#, #""b""#, ["must match the pattern ^a+$"]),
    (#"{"minItems":1}"#, "[]", ["must have at least 1 item, not 0"]),
    (#"{"maxItems":2}"#, "[1,2,3]", ["must have at most 2 items, not 3"]),
    (#"{"uniqueItems":true}"#, "[1,2,1.0]", ["items must be unique; item 2 repeats item 0"]),
    (
      #"{"uniqueItems":true}"#, #"["b","a","\u0061"]"#,
      ["items must be unique; item 2 repeats item 1"]
    ),
    (
      #"{"uniqueItems":true}"#, #"[{"a":1,"b":[2]},"x",{"b":[2e0],"a":1}]"#,
      ["items must be unique; item 2 repeats item 0"]
    ),
    (#"{"uniqueItems":true}"#, #"[1,"1",true,"true",null,[],{},[1],["1"],0.1,"0.1"]"#, []),
    (
      #"{"contains":{"const":1}}"#, "[2]", ["must have at least 1 item of the required form, not 0"]
    ),
    (
      #"{"contains":{"const":1},"maxContains":1}"#, "[1,1]",
      ["must have at most 1 item of the form that contains describes, not 2"]
    ),
    (#"{"minProperties":1}"#, "{}", ["must have at least 1 member, not 0"]),
    (#"{"maxProperties":1}"#, #"{"a":1,"b":2}"#, ["must have at most 1 member, not 2"]),
    (#"{"const":"a"}"#, #""b""#, [#"must be "a""#]),
    (#"{"const":{"a":[1]}}"#, #"{"a":[1.0]}"#, []),
    (#"{"const":null}"#, "false", ["must be null"]),
    (#"{"not":{"type":"string"}}"#, #""a""#, ["is not allowed: it matches the schema of not"]),
  ])
  func `a violated limit is reported`(schema: String, value: String, faults: [String]) throws {
    try expect((schema, value, faults))
  }

  @Test(arguments: [
    (
      #"{"enum":["low","high"]}"#, #""hihg""#,
      [#"unknown value; expected one of: low, high; did you mean "high"?"#]
    ),
    (#"{"enum":["a",1,null,[2]]}"#, "2", ["unknown value; expected one of: a, 1, null, [2]"]),
    (#"{"enum":["a",1,null,[2]]}"#, "[2.0]", []),
    (#"{"enum":["a",1,null,[2]]}"#, "1.0", []),
    (#"{"enum":[12345678901234567890]}"#, "1.234567890123456789e19", []),
    (#"{"enum":[12345678901234567890]}"#, "12345678901234567891", ["must be 12345678901234567890"]),
    (#"{"enum":[]}"#, "1", ["is not allowed"]),
    (#"{"type":"string","enum":["a","b"]}"#, "1", ["unknown value; expected one of: a, b"]),
    // Equal by code points, not by canonical equivalence.
    (#"{"enum":["\u00e9","b"]}"#, #""e\u0301""#, [#"unknown value; expected one of: é, b"#]),
    (
      #"{"properties":{"risk_level":{},"page":{}},"additionalProperties":false}"#,
      #"{"riskLevl":1,"page":2}"#, [#"/riskLevl: unknown member; did you mean "risk_level"?"#]
    ),
    (
      #"{"additionalProperties":false}"#, #"{"a/b~":1}"#,
      ["/a~1b~0: unknown member; no members are accepted"]
    ),
    (
      #"{"allOf":[{"properties":{"name":{}}}],"unevaluatedProperties":false}"#, #"{"nam":1}"#,
      [#"/nam: unknown member; did you mean "name"?"#]
    ),
    (
      #"{"patternProperties":{"^a":true},"additionalProperties":false}"#, #"{"b":1}"#,
      ["/b: unknown member"]
    ),
    (#"{"prefixItems":[true],"unevaluatedItems":false}"#, "[1,2]", ["/1: is not allowed"]),
    (
      #"{"propertyNames":{"maxLength":1}}"#, #"{"ab":1}"#,
      ["/ab: invalid name: must have at most 1 character"]
    ),
  ])
  func `an unknown name or value is reported`(
    schema: String, value: String, faults: [String]
  ) throws {
    try expect((schema, value, faults))
  }

  @Test(arguments: [
    (#"{"required":["a","b"]}"#, #"{"a":1}"#, ["/b: is required"]),
    (#"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, ["/b: is required with a"]),
    (#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, #"{"a":1}"#, ["/b: is required"]),
    (
      #"{"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"maxProperties":1}}"#,
      #"{"a":1}"#, ["/b: is required"]
    ),
    (
      #"{"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"maxProperties":1}}"#,
      #"{"a":2,"b":3}"#, ["must have at most 1 member, not 2"]
    ),
    (
      ##"{"properties":{"a":{"items":{"$ref":"#/$defs/n"}}},"$defs":{"n":{"type":"integer"}}}"##,
      #"{"a":[1,"x",null]}"#, ["/a/1: must be an integer", "/a/2: must be an integer"]
    ),
    (#"{"items":{"items":{"minimum":0}}}"#, "[[],[1,-1]]", ["/1/1: must be a number of 0 or more"]),
    (#"{"properties":{"a":{"type":"string"}}}"#, #"{"a":"x","a":1}"#, ["/a: must be a string"]),
  ])
  func `a fault has the path of its place`(
    schema: String, value: String, faults: [String]
  ) throws {
    try expect((schema, value, faults))
  }

  @Test(arguments: [
    (#"{"anyOf":[{"type":"string"},{"type":"array"}]}"#, "1", ["must be a string or an array"]),
    (
      #"{"anyOf":[{"type":"string","maxLength":1},{"type":"integer"}]}"#, #""ab""#,
      ["must have at most 1 character"]
    ),
    (
      #"{"oneOf":[{"type":"array","items":{"type":"integer"}},{"type":"null"}]}"#, #"[1,"a"]"#,
      ["/1: must be an integer"]
    ),
    (
      #"{"anyOf":[{"required":["a"]},{"required":["b"]}]}"#, "{}",
      ["at least one of a, b is required"]
    ),
    (
      #"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#, "{}",
      ["exactly one of a, b is required"]
    ),
    (
      #"{"oneOf":[{"required":["a"]},{"required":["b"]},{}]}"#, #"{"a":1}"#,
      ["must match exactly one of 3 alternatives, but matches 2: 0, 2"]
    ),
    (
      #"{"oneOf":[{"const":"red","title":"Red"},{"const":"green"}]}"#, #""gren""#,
      [#"unknown value; expected one of: red, green; did you mean "green"?"#]
    ),
    (
      #"{"oneOf":[{"properties":{"t":{"const":"a"},"x":{"type":"string"}},"required":["t","x"]},{"properties":{"t":{"const":"b"},"y":{"type":"string"}},"required":["t","y"]}]}"#,
      #"{"t":"b"}"#, ["/y: is required"]
    ),
    (
      #"{"oneOf":[{"properties":{"t":{"const":"a"},"x":{"type":"string"}},"required":["t","x"]},{"properties":{"t":{"const":"b"},"y":{"type":"string"}},"required":["t","y"]}]}"#,
      #"{"t":"c"}"#, ["/t: unknown value; expected one of: a, b"]
    ),
    (#"{"anyOf":[false,false]}"#, "1", ["is not allowed"]),
  ])
  func `a value that matches no alternative gets the faults of the closest`(
    schema: String, value: String, faults: [String]
  ) throws {
    try expect((schema, value, faults))
  }

  @Test func `a fault names the keyword, and whether a member is missing or unknown`() throws {
    let schema = try JSONSchema(
      try JSON.parse(
        ##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"properties":{"n":{"minimum":1}},"required":["m"],"additionalProperties":false}}}"##
      ))
    let faults = schema.faults(of: try JSON.parse(#"{"n":0,"x":1}"#), term: "parameter")
    #expect(
      faults.map(\.schemaPath) == [
        "/$defs/a~1b/properties/n/minimum", "/$defs/a~1b/additionalProperties",
        "/$defs/a~1b/required",
      ])
    #expect(faults.map(\.isMissing) == [false, false, true])
    #expect(faults.map(\.isUnknown) == [false, true, false])
    #expect(faults[1].message == "unknown parameter" && faults[2].path == "/m")
  }

  @Test func `a long name is truncated, and faults are limited`() throws {
    let schema = try JSONSchema(try JSON.parse(#"{"additionalProperties":false}"#))
    let name = String(repeating: "n", count: 5_000)
    let faults = schema.faults(of: try JSON.parse(#"{"\#(name)":1}"#))
    #expect(faults.map(\.path) == ["/" + String(repeating: "n", count: 100) + "…"])
    let many = (0..<500).map { "\"\($0)\":1" }.joined(separator: ",")
    #expect(schema.faults(of: try JSON.parse("{\(many)}")).count == SchemaLimits.faults)
  }
}
