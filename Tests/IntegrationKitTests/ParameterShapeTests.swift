import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct ParameterShapeTests {
  @Test func `the schema contains the declaration`() throws {
    struct Small: ParameterObject {
      static let naming = ParameterShape.Naming.snakeCase
      init(_ parameters: inout ParamReader) {
        _ = parameters.required(
          "Device ID", .identifier, "A \"device\".",
          from: [ParameterSource("list_devices", "$.items[*].id")], examples: [17])
        _ = parameters.optional("Page Size", .integer(from: 1, to: 9), "Items.", default: 5)
        _ = parameters.optional("Scope", .choice(SampleMethod.self), "Where.")
        parameters.required("Scope", when: "Page Size", isOneOf: "x")
      }
    }
    let schema = JSONFragment { ParameterShape(of: Small.self).writeSchema(to: &$0) }
    #expect(
      schema.canonicalText
        == JSONFragment(
          try JSON.parse(
            #"""
            {"type":"object",
             "properties":{
               "device_id":{"title":"Device ID","description":"A \"device\".",
                 "type":["integer","string"],"minimum":0,"maximum":999999999999999999,
                 "pattern":"^[0-9]{1,18}$","examples":[17],
                 "x-source":[{"command":"list_devices","path":"$.items[*].id"}]},
               "page_size":{"title":"Page Size","description":"Items.","type":"integer",
                 "minimum":1,"maximum":9,"default":5},
               "scope":{"title":"Scope","description":"Where.","type":"string",
                 "enum":["move","delete","keep_all"]}},
             "required":["device_id"],
             "allOf":[{"if":{"properties":{"page_size":{"enum":["x"]}},"required":["page_size"]},
                       "then":{"required":["scope"]}}],
             "additionalProperties":false}
            """#)
        ).canonicalText)
  }

  @Test func `names are in declaration order, and secrets are known`() {
    #expect(
      Sample.shape.names == [
        "scan_name", "endpoint_ids", "page_size", "page", "device_id", "update_method", "parent_id",
        "force_delete", "per_seconds", "server_url", "filter", "ports", "anything",
        "custom_fields", "api_key",
      ])
    #expect(Sample.shape.secretNames == ["api_key"])
  }

  @Test func `an incomplete JSON array is rejected`() {
    #expect(Sample.shape.value(of: "endpoint_ids", from: ["[a"]) == nil)
  }

  @Test(arguments: [
    ("scan_name", ["17"], #""17""#), ("scan_name", ["a", "b"], #""b""#),
    ("page_size", ["17"], "17"), ("page_size", ["x"], #""x""#), ("force_delete", ["true"], "true"),
    ("update_method", ["move"], #""move""#), ("device_id", ["17"], "17"),
    ("endpoint_ids", ["1,b"], #"["1","b"]"#), ("endpoint_ids", ["1", "b,c"], #"["1","b","c"]"#),
    ("endpoint_ids", [#"["a,b"]"#], #"["a,b"]"#),
    ("filter", [#"{"riskLevel":"x"}"#], #"{"riskLevel":"x"}"#), ("anything", ["[1, 2]"], "[1, 2]"),
    ("unknown", ["1"], "1"), ("scan_name", [], #""""#),
  ])
  func `command-line arguments become a value`(name: String, texts: [String], value: String) {
    #expect(Sample.shape.value(of: name, from: texts)?.text == value)
  }

  @Test(arguments: [
    ("scan_name", "string"), ("endpoint_ids", "list of string"),
    ("update_method", "one of move, delete, keep_all"), ("device_id", "integer or string"),
    ("filter", "object"), ("ports", "list of object"), ("anything", "any JSON"),
  ])
  func `a summary describes the accepted values`(name: String, values: String) {
    #expect(Sample.shape.summaries.first { $0.name == name }?.values == values)
  }

  @Test func `the example is the declared one, the default or the first choice`() {
    let examples = Dictionary(
      uniqueKeysWithValues: Sample.shape.summaries.map { ($0.name, $0.example?.text) })
    #expect(examples["endpoint_ids"] == #"["a","b"]"#)
    #expect(examples["page_size"] == "30")
    #expect(examples["update_method"] == #""move""#)
    #expect(examples["parent_id"] == .some(nil))
  }
}
