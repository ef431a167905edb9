import Basics
import JSON
import JSONSchema
import Testing

/// Schemas that cannot be checked.
struct RefusedSchemaTests {
  private static let depth =
    String(repeating: #"{"items":"#, count: 129) + "true"
    + String(repeating: "}", count: 129)

  /// A schema, and the expected faults: "place: reason".
  static let rows: [(schema: String, faults: [String])] = [
    ("1", [": must be an object, true or false"]),
    (#"{"properties":{"a":1}}"#, ["/properties/a: must be an object, true or false"]),
    (
      #"{"items":[{}]}"#,
      ["/items: must be an object, true or false; an array of schemas is prefixItems"]
    ),
    (#"{"properties":[]}"#, ["/properties: must be an object of schemas"]),
    (#"{"allOf":[]}"#, ["/allOf: must be an array of schemas that is not empty"]),
    (#"{"anyOf":{}}"#, ["/anyOf: must be an array of schemas that is not empty"]),
    (
      #"{"type":"text"}"#,
      [
        "/type: must be one of: string, integer, number, boolean, array, object, null, or an array of distinct ones"
      ]
    ),
    (#"{"type":[]}"#, ["/type: must not be empty"]),
    (#"{"enum":{}}"#, ["/enum: must be an array"]),
    (#"{"minLength":-1}"#, ["/minLength: must be an integer of 0 or more"]),
    (#"{"minLength":1.5}"#, ["/minLength: must be an integer of 0 or more"]),
    (#"{"maxItems":"1"}"#, ["/maxItems: must be an integer of 0 or more"]),
    (#"{"minimum":"1"}"#, ["/minimum: must be a number"]),
    (
      #"{"multipleOf":0}"#,
      ["/multipleOf: must be a number greater than 0 with at most 18 digits"]
    ),
    (#"{"uniqueItems":1}"#, ["/uniqueItems: must be true or false"]),
    (#"{"required":["a","a"]}"#, ["/required: must be an array of distinct strings"]),
    (
      #"{"dependentRequired":{"a":[1]}}"#,
      ["/dependentRequired/a: must be an array of distinct strings"]
    ),
    (#"{"title":1}"#, ["/title: must be a string"]),
    (#"{"$ref":1}"#, ["/$ref: must be a string"]),
    (##"{"$ref":"#/$defs/a"}"##, ["/$ref: refers to nothing in the schema"]),
    (##"{"$ref":"#a"}"##, ["/$ref: refers to an unknown anchor"]),
    (##"{"$ref":"#/%zz"}"##, ["/$ref: has invalid percent-encoding"]),
    (
      #"{"$ref":"https://a.example/b"}"#,
      ["/$ref: refers to another document, which is not supported"]
    ),
    (##"{"$ref":"#/$comment","$comment":"x"}"##, ["/$comment: must be an object, true or false"]),
    (
      #"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
      [
        "/$schema: is an unsupported dialect; expected https://json-schema.org/draft/2020-12/schema"
      ]
    ),
    (#"{"$id":"a#b"}"#, ["/$id: must not have a fragment; use $anchor"]),
    (#"{"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}}"#, ["/$defs/b/$id: names two schemas"]),
    (
      #"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"#,
      ["/$defs/b/$anchor: names two schemas"]
    ),
    (
      #"{"$anchor":"1"}"#,
      ["/$anchor: must be a name of letters, digits, hyphens, underscores and periods"]
    ),
    (#"{"pattern":"(?=a)"}"#, ["/pattern: unsupported pattern: it uses look-ahead"]),
    (
      #"{"patternProperties":{"(a":true}}"#,
      ["/patternProperties/(a: invalid pattern: it has a ( without a )"]
    ),
    (##"{"$ref":"#"}"##, [": refers back to itself without a step into the value"]),
    (
      ##"{"$defs":{"a":{"anyOf":[{"not":{"$ref":"#/$defs/a"}}]}}}"##,
      ["/$defs/a/anyOf/0/not: refers back to itself without a step into the value"]
    ),
    (
      depth,
      [String(repeating: "/items", count: 129) + ": is nested too deeply; limit: 128 levels"]
    ),
    (
      #"{"a":1,"minimum":"x","items":{"type":0},"maximum":[]}"#,
      [
        "/minimum: must be a number",
        "/items/type: must be one of: string, integer, number, boolean, array, object, null, or an array of distinct ones",
        "/maximum: must be a number",
      ]
    ),
  ]

  @Test(arguments: rows)
  func `a schema that cannot be checked is refused`(schema: String, faults: [String]) throws {
    let json = try JSON.parse(schema)
    let error = #expect(throws: SchemaFaults.self) { try JSONSchema(json) }
    #expect(error?.list.map { "\($0.schemaPath): \($0.message)" } == faults, "\(schema)")
  }

  @Test(arguments: [
    ##"{"items":{"$ref":"#"}}"##,
    ##"{"properties":{"a":{"$ref":"#"}},"$schema":"https://json-schema.org/draft/2020-12/schema"}"##,
    ##"{"definitions":{"a":{"type":"string"}},"$ref":"#/definitions/a"}"##,
    ##"{"$ref":"#/x/y","x":{"y":{"type":"string","items":{"$ref":"#/x/y"}}}}"##,
    #"{"x-source":[1],"format":"uuid","contentEncoding":"base64","unknown":{"type":1}}"#,
    #"{"minLength":2.0,"maxLength":1e300}"#,
  ])
  func `other schemas are accepted`(_ schema: String) throws {
    _ = try JSONSchema(try JSON.parse(schema))
  }
}
