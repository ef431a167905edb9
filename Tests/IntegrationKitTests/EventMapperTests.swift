import Basics
import JSON
import JSONPath
import Testing

@testable import IntegrationKit

@Suite struct EventMapperTests {
  private static let source = EventSource(
    fields: [
      .path("Key", "$.id"), .constant("Type", "Alert"),
      .path("Sender", "$.headers[?(@.name=='From')].value"), .path("Sizes", "$.parts[*].size"),
    ], cursor: "The next position.")

  private static let document = """
    {"id":"a1","headers":[{"name":"From","value":"x@y"},{"name":"To","value":"z@y"}],\
    "parts":[{"size":1.50},{"size":2},{"name":"n"}],"none":null}
    """

  private func mapping(_ text: String) throws -> FieldMapping? {
    let json = try JSON.parse(#"{"field_mapping":\#(text)}"#)
    return try InvocationOptions.shape.decode(json) { InvocationOptions(&$0) }.fieldMapping
  }

  private func events(
    _ mapping: String? = nil, of document: String = document
  ) throws -> [String] {
    let json = try JSON.parse(document)
    let mapper = EventMapper(Self.source, try mapping.flatMap { try self.mapping($0) })
    return try #require(mapper.events(of: json, raw: JSON.parse("[1]"))).map(\.text)
  }

  private func faults(_ mapping: String) -> [String] {
    do {
      _ = try self.mapping(mapping)
      return []
    } catch let problems as ParameterProblems {
      return problems.list.map { "\($0.path): \($0.message)" }
    } catch {
      return ["\(error)"]
    }
  }

  @Test func `one value is a field, several are an array, none omits the field`() throws {
    let fields = #""Key":"a1","Type":"Alert","Sender":"x@y","Sizes":[1.50,2]"#
    #expect(try events() == [#"{"fields":{\#(fields)},"raw":[1]}"#])
    #expect(try events("{}") == events())
    #expect(try events(of: "{}") == [#"{"fields":{"Type":"Alert"},"raw":[1]}"#])
    #expect(try events(of: "7") == [#"{"fields":{"Type":"Alert"},"raw":[1]}"#])
  }

  @Test(arguments: [
    (#"{"remove":["Key","Sizes","Sender"]}"#, #""Type":"Alert""#),
    (#"{"remove":["Type","Key","Sizes","Sender"]}"#, ""),
    (#"{"remove":["Key","Sizes","Sender"],"add":{"Key":"$.id"}}"#, #""Type":"Alert","__Key":"a1""#),
    (
      #"{"remove":["Key","Sizes","Sender","Type"],"add":{"My  Field":"$.none","b":"$.parts"}}"#,
      #""__My__Field":null,"__b":[{"size":1.50},{"size":2},{"name":"n"}]"#
    ),
    (
      #"{"remove":["Key","Sizes","Sender","Type"],"add":{"\"":"$.parts[?@.size>1].size","\u00e9":"$..name"}}"#,
      #""__\"":[1.50,2],"__é":["From","To","n"]"#
    ),
  ])
  func `fields are removed and added`(mapping: String, fields: String) throws {
    #expect(try events(mapping) == [#"{"fields":{\#(fields)},"raw":[1]}"#])
  }

  @Test func `each value of the main path is an event, and field paths are relative to it`() throws
  {
    let mapping = """
      {"main_event_json_path":"$.headers[*]","add":{"N":"$.name"},"remove":["Type"]}
      """
    #expect(
      try events(mapping) == [
        #"{"fields":{"__N":"From"},"raw":[1]}"#, #"{"fields":{"__N":"To"},"raw":[1]}"#,
      ])
    #expect(try events(#"{"main_event_json_path":"$.nothing"}"#) == [])
  }

  @Test(arguments: [
    (#"{"add":{"A":"$.a["}}"#, ["/field_mapping/add/A: invalid JSONPath: expected a selector"]),
    (#"{"add":{"A":1}}"#, ["/field_mapping/add/A: must be a string"]),
    (#"{"add":{"A":null}}"#, ["/field_mapping/add/A: must be a string"]),
    (#"{"add":["$"]}"#, ["/field_mapping/add: must be an object"]),
    (#"{"add":{"":"$"," ":"$"}}"#, ["/field_mapping/add/: must", "/field_mapping/add/ : must"]),
    (
      #"{"add":{"a b":"$","a_b":"$"}}"#,
      [#"/field_mapping/add/a_b: maps to the same event field as "a b": __a_b"#]
    ),
    (
      #"{"main_event_json_path":"","add":{"A":"b"},"remove":[1],"ad":{}}"#,
      [
        "/field_mapping/main_event_json_path: invalid JSONPath: expected $ at byte 0",
        "/field_mapping/add/A: invalid JSONPath: expected $ at byte 0",
        "/field_mapping/remove/0: must be a string", "/field_mapping/ad: unknown parameter",
      ]
    ),
  ])
  func `every problem of a mapping is reported with its path`(mapping: String, expected: [String]) {
    let found = faults(mapping)
    #expect(found.count == expected.count, "\(found)")
    for (found, expected) in zip(found, expected) { #expect(found.hasPrefix(expected), "\(found)") }
  }

  @Test func `the number of added fields is limited`() {
    let many = { (count: Int) in
      #"{"add":{"# + (0..<count).map { #""f\#($0)":"$""# }.joined(separator: ",") + "}}"
    }
    #expect(faults(many(FieldMapping.maximumFields)) == [])
    #expect(
      faults(many(FieldMapping.maximumFields + 1)) == [
        "/field_mapping/add: must have at most 100 members"
      ])
  }

  @Test func `paths in the spelling of the documents get a suggestion`() throws {
    for (path, suggestion) in [
      (".payload.parts[?(@.name==’Bcc’)]", "$.payload.parts[?(@.name=='Bcc')]"),
      ("id", "$.id"), ("['a']", "$['a']"), (" $.a ", "$.a"), ("$.a[", nil),
    ] {
      var faults: [ParameterProblem] = []
      let json = JSONFragment { $0.string(path) }.json
      #expect(JSONPathType().decode(json, members: nil, faults: &faults) == nil)
      #expect(faults.map(\.didYouMean) == [suggestion], "\(path)")
    }
  }

  @Test(arguments: [
    "$..*..*..*..*..*..*", "$..*[?@..*..*..*..*==1]", "$[?length(@..[?match(@.a,'(a|b)*c')])>0]",
    "$..a[?search(@, '(((a|b){1,30}){1,30})c')]", "$['a','a','a','a']['a','a','a','a']..*['a','a']",
  ])
  func `a path cannot exceed the work budget of a document`(path: String) throws {
    var nested = #""aaaaaaaabbbbbbbb""#
    for _ in 0..<60 { nested = #"{"a":\#(nested),"b":[1,2,3]}"# }
    let json = try JSON.parse(#"{"add":{"Slow":\#(JSONFragment { $0.string(path) }.text)}}"#)
    guard let mapping = try? mapping(json.sourceText) else { return }
    let mapper = EventMapper(Self.source, mapping)
    let document = try JSON.parse(nested)
    let budget = EventMapper.maximumWorkUnits
    guard let events = mapper.events(of: document, raw: document) else { return }
    #expect(events.reduce(0) { $0 + $1.bytes.count } < 64 * budget)
  }

  /// Ten times the work budget of the tests below.
  private static let large =
    #"{"id":"a1","parts":["#
    + Array(repeating: #"{"size":1}"#, count: 1_000).joined(separator: ",") + "]}"

  @Test(arguments: [nil, "{}", #"{"add":{"Own":"$.id"}}"#])
  func `the command's own paths use no budget`(mapping: String?) throws {
    let mapper = EventMapper(Self.source, try mapping.flatMap { try self.mapping($0) })
    let document = try JSON.parse(Self.large)
    let events = try #require(mapper.events(of: document, raw: document, within: 100))
    #expect(events.first?.json["fields"]?["Sizes"]?.count == 1_000)
  }

  @Test(arguments: [
    #"{"add":{"Own":"$.parts[*].size"}}"#, #"{"main_event_json_path":"$","remove":["Key"]}"#,
  ])
  func `a document that exceeds the budget has only the command's own fields`(
    mapping: String
  ) throws {
    let document = try JSON.parse(Self.large)
    let mapping = try #require(try self.mapping(mapping))
    let mapper = EventMapper(Self.source, mapping)
    #expect(mapper.events(of: document, raw: document, within: 100) == nil)
    let commandMapper = EventMapper(Self.source, mapping, callersPaths: false)
    let events = try #require(commandMapper.events(of: document, raw: document, within: 100))
    let fields = events.first?.json["fields"]
    #expect(fields?["Sizes"]?.count == 1_000 && fields?["__Own"] == nil)
    #expect((fields?["Key"] == nil) == mapping.removed.contains("Key"))
  }

  @Test func `copies of one document are limited`() throws {
    let large = #"{"a":["# + Array(repeating: "1", count: 20_000).joined(separator: ",") + "]}"
    let mapper = EventMapper(Self.source, try mapping(#"{"main_event_json_path":"$.a[*]"}"#))
    let document = try JSON.parse(large)
    #expect(mapper.events(of: document, raw: document) == nil)
  }
}

extension CommandError: CustomTestStringConvertible {
  public var testDescription: String { message }
}
