import Basics
import JSON
import JSONPath
import Testing

struct JSONPathTests {
  // MARK: Invalid queries

  struct Refusal: Sendable {
    let query: String
    let offset: Int
    let expected: String

    init(_ query: String, at offset: Int, _ expected: String) {
      self.query = query
      self.offset = offset
      self.expected = expected
    }
  }

  static let refusals = [
    Refusal("", at: 0, "$"),
    Refusal(" $", at: 0, "$"),
    Refusal("$ ", at: 1, "a segment (. or [) or the end of the query"),
    Refusal("$.", at: 2, "a name or * after ."),
    Refusal("$.é.1", at: 5, "a name or * after ."),
    Refusal("$..", at: 3, "a name, * or [ after .."),
    Refusal("$['a' 'b']", at: 6, "a comma or ]"),
    Refusal("$['a", at: 4, "a closing quote"),
    Refusal("$['\\x']", at: 3, #"one of the escapes \b \f \n \r \t \/ \\ \u \quote"#),
    Refusal("$['\\ud800']", at: 3, "a low surrogate after a high one"),
    Refusal("$['\\udc00']", at: 3, "a high surrogate before a low one"),
    Refusal("$[]", at: 2, "a selector: a quoted name, *, an index, a slice or a filter"),
    Refusal("$[01]", at: 2, "an integer without leading zeros, not -0"),
    Refusal("$[1:-0]", at: 4, "an integer without leading zeros, not -0"),
    Refusal("$[9007199254740992]", at: 2, "an integer between -(2^53 - 1) and 2^53 - 1"),
    Refusal("$[99999999999999999999999]", at: 2, "an integer between -(2^53 - 1) and 2^53 - 1"),
    Refusal("$[?@.a=1]", at: 6, "a comma or ]"),
    Refusal("$[?@.a==]", at: 8, "a query, a literal, a function, ! or a parenthesis"),
    Refusal("$[?@.a==1.]", at: 10, "a digit after the decimal point"),
    Refusal("$[?@.*==1]", at: 3, "a singular query (names and indices only)"),
    Refusal("$[?1==@..a]", at: 6, "a singular query (names and indices only)"),
    Refusal("$[?@[ 'a']==1]", at: 3, "a singular query (names and indices only)"),
    Refusal(
      "$[?length(@['a' ])==1]", at: 10, "a singular query (names and indices only)"),
    Refusal("$[?!@.a==1]", at: 4, "parentheses around the comparison after !"),
    Refusal("$[?(@.a]", at: 7, "an operator or )"),
    Refusal("$[?true]", at: 3, "a comparison with the literal"),
    Refusal("$[?True==1]", at: 3, "a query, a literal, a function, ! or a parenthesis"),
    Refusal("$[?nil==1]", at: 3, "true, false, null or a function call"),
    Refusal("$[?size(@)==1]", at: 3, "the function length, count, match, search or value"),
    Refusal("$[?length(@)]", at: 3, "a comparison with the function's result"),
    Refusal("$[?count(1)==1]", at: 9, "a query as the argument"),
    Refusal("$[?count(@,@)==1]", at: 10, "a parenthesis after the last argument"),
    Refusal("$[?match(@)]", at: 10, "a comma and a second argument"),
    Refusal("$[?match(@,'a')==true]", at: 3, "a value, not match or search"),
    Refusal(
      "$[?match(@,'(a{9999}){9999}')]", at: 11, "a regular expression of at most 10000 steps"),
    Refusal("$" + String(repeating: "[?@", count: 33), at: 98, "at most 32 nested levels"),
    Refusal("$" + String(repeating: "[0]", count: 501), at: 1501, "at most 500 segments"),
    Refusal(
      "$." + String(repeating: "a", count: 16_383), at: 16384, "a query of at most 16384 bytes"),
  ]

  @Test(arguments: refusals)
  func `an error has a reason and an offset`(_ refusal: Refusal) {
    let error = #expect(throws: JSONPathError.self) { try JSONPath(refusal.query) }
    #expect(
      error == JSONPathError(reason: "expected \(refusal.expected)", offset: refusal.offset))
    #expect(error?.description == "expected \(refusal.expected) at byte \(refusal.offset)")
  }

  // MARK: Values

  struct Selection: Sendable {
    let query: String
    let document: String
    /// The source texts of the selected values, in order.
    let selected: [String]

    init(_ query: String, in document: String, _ selected: [String]) {
      self.query = query
      self.document = document
      self.selected = selected
    }
  }

  static let selections = [
    // Numbers: 64-bit integers are exact, and 1, 1.0 and 1e0 are equal.
    Selection(
      "$[?@ == 9007199254740993]", in: "[9007199254740992, 9007199254740993]", ["9007199254740993"]),
    Selection(
      "$[?@ > 9223372036854775806]", in: "[9223372036854775806, 9223372036854775807]",
      ["9223372036854775807"]),
    Selection(
      "$[?@ == -9223372036854775808]", in: "[-9223372036854775808, -9223372036854775807]",
      ["-9223372036854775808"]),
    Selection(
      "$[?@ == 1]", in: "[1, 1.0, 1e0, 10e-1, 1.5, \"1\", true]", ["1", "1.0", "1e0", "10e-1"]),
    Selection("$[?@ == -0]", in: "[0, -0, 0.0, -0.0]", ["0", "-0", "0.0", "-0.0"]),
    Selection("$[?@ < 1.5]", in: "[1, 2, 1.25, 1e400, -1e400]", ["1", "1.25", "-1e400"]),
    Selection(
      "$[?@ == 18446744073709551615]", in: "[18446744073709551615, 1]", ["18446744073709551615"]),

    // Strings: decoded, compared by Unicode scalar, without canonical equivalence.
    Selection(#"$[?@ == "\u00e9"]"#, in: #"["é", "\u00e9", "e\u0301"]"#, [#""é""#, #""\u00e9""#]),
    Selection("$[?@ > '\u{FFFD}']", in: #"["😀", "z"]"#, [#""😀""#]),
    Selection(
      "$[?@ < 'b']", in: #"["a", "\u0061b", "b", "B"]"#, [#""a""#, #""\u0061b""#, #""B""#]),
    Selection("$[?length(@) == 1]", in: #"["😀", "e\u0301", "é", ""]"#, [#""😀""#, #""é""#]),
    Selection("$['e\u{301}']", in: #"{"é": 1, "\u0065\u0301": 2}"#, ["2"]),

    // Containers: deep comparison, members in any order.
    Selection(
      "$.a[?@ == $.b]",
      in:
        #"{"a": [{"x": [1], "y": {}}, {"x": [1]}, {"x": [2], "y": {}}], "b": {"y": {}, "x": [1.0]}}"#,
      [#"{"x": [1], "y": {}}"#]),
    Selection("$[?@ == $[0]]", in: "[[1, [2]], [1, [2.0]], [[2], 1]]", ["[1, [2]]", "[1, [2.0]]"]),

    // Duplicate names: the last member counts.
    Selection("$.a", in: #"{"a": 1, "\u0061": 2}"#, ["2"]),
    Selection("$.*", in: #"{"a": 1, "b": 2, "\u0061": 3}"#, ["2", "3"]),
    Selection("$..*", in: #"{"a": [1], "a": [2]}"#, ["[2]", "2"]),
    Selection("$[?length(@) == 1]", in: #"[{"a": 1, "a": 2}]"#, [#"{"a": 1, "a": 2}"#]),
    Selection(
      "$[?@ == $[1]]", in: #"[{"a": 1, "a": 2}, {"a": 2}]"#, [#"{"a": 1, "a": 2}"#, #"{"a": 2}"#]),

    // Nothing (RFC 9535 section 2.4.1).
    Selection(
      "$[?@.a == @.b]", in: #"[{}, {"a": null}, {"a": 1, "b": 1}]"#, ["{}", #"{"a": 1, "b": 1}"#]),
    Selection("$[?length(@) == value(@.*)]", in: "[1, [1], [[]]]", ["1", "[1]"]),

    // Order and repetition.
    Selection("$[-1, 0, ::-1, 0]", in: "[1, 2, 3]", ["3", "1", "3", "2", "1", "1"]),
    Selection("$..[0, 'a']", in: #"[{"a": [1]}, {"a": 2}]"#, [#"{"a": [1]}"#, "[1]", "1", "2"]),
    Selection("$[-9007199254740991:9007199254740991:9007199254740991]", in: "[1, 2]", ["1"]),
    Selection("$[9007199254740991:-9007199254740991:-9007199254740991]", in: "[1, 2]", ["2"]),
    Selection("$[-3]", in: "[1, 2]", []),
    Selection("$[0]", in: #"{"0": 1}"#, []),
    Selection("$ \n.a\t['b']", in: #"{"a": {"b": 1}}"#, ["1"]),
    Selection(
      "$[?@[?@ > 1 && !(@ > 2)] || @ == 'x']", in: #"[[1], [2], [3], "x"]"#, ["[2]", #""x""#]),
  ]

  @Test(arguments: selections)
  func `a query selects values`(_ selection: Selection) throws {
    let document = try JSON.parse(selection.document)
    let values = try JSONPath(selection.query).values(in: document)
    #expect(values.map(\.sourceText) == selection.selected, "\(selection.query)")
  }

  @Test func `a limit stops the selection`() throws {
    let document = try JSON.parse("[1, [2, 3], 4]")
    let path = try JSONPath("$..*")
    #expect(path.values(in: document, atMost: 2).map(\.sourceText) == ["1", "[2, 3]"])
    #expect(path.nodes(in: document, atMost: 0).isEmpty)
  }

  @Test func `an object with repeated names has each name once`() throws {
    let members = (0..<100).map { #""n\#($0 % 40)": \#($0)"# }.joined(separator: ",")
    let values = try JSONPath("$.*").values(in: try JSON.parse("{\(members)}"))
    #expect(values.compactMap(\.integer) == Array(60..<100))
  }

  @Test func `deep nesting uses no stack`() throws {
    let depth = 200_000
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let limits = JSONLimits(depth: depth, values: depth + 1)
    let document = try JSON.parse(Array("[\(text.dropFirst().dropLast()),[]]".utf8), limits: limits)
    #expect(try JSONPath("$..*").values(in: document).count == depth)
    #expect(try JSONPath("$[?@ == $[0]]").values(in: document).count == 1)
  }

  // MARK: Normalized paths

  @Test(arguments: [
    ("$", "{}", "$"),
    ("$.*", #"{"it's": 1}"#, #"$['it\'s']"#),
    ("$.*", #"{"\"": 1}"#, #"$['"']"#),
    ("$.*", #"{"a\\b/c": 1}"#, #"$['a\\b/c']"#),
    ("$.*", #"{"\b\f\n\r\t": 1}"#, #"$['\b\f\n\r\t']"#),
    ("$.*", #"{"\u0000\u000b\u001F\u007f": 1}"#, "$['\\u0000\\u000b\\u001f\u{7F}']"),
    ("$.*", #"{"\ud83d\ude00é": 1}"#, "$['😀é']"),
    ("$[-1]['a'][::-1]", #"[0, {"a": [1]}]"#, "$[1]['a'][0]"),
  ])
  func `a path is normalized`(query: String, document: String, path: String) throws {
    let nodes = try JSONPath(query).nodes(in: try JSON.parse(document))
    #expect(nodes.map(\.normalizedPath) == [path])
  }
}
