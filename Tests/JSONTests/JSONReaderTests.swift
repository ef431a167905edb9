import TestSupport
import Testing

@testable import JSON

@Suite struct JSONReaderTests {
  struct Fault: Sendable {
    let text: String
    let offset: Int
    let reason: String

    init(_ text: String, at offset: Int, _ reason: String) {
      self.text = text
      self.offset = offset
      self.reason = reason
    }
  }

  static let faults = [
    Fault("", at: 0, "expected a value, found end of input"),
    Fault(" \n", at: 2, "expected a value, found end of input"),
    Fault("\u{FEFF}1", at: 0, "expected a value"),
    Fault("[", at: 1, "unterminated array or object"),
    Fault("[1", at: 2, "unterminated array or object"),
    Fault("{\"a\":", at: 5, "unterminated array or object"),
    Fault("[1,]", at: 3, "expected a value"),
    Fault("[,1]", at: 1, "expected a value"),
    Fault("[1 2]", at: 3, "expected a comma or ]"),
    Fault("[1}", at: 2, "expected a comma or ]"),
    Fault("{\"a\":1]", at: 6, "expected a comma or }"),
    Fault("{\"a\":[1],\"b\" 2}", at: 13, "expected a colon after a member name"),
    Fault("{\"a\"", at: 4, "expected a colon after a member name"),
    Fault("{\"a\":1,}", at: 7, "expected a member name"),
    Fault("{a:1}", at: 1, "expected a member name"),
    Fault("{1:1}", at: 1, "expected a member name"),
    Fault("[true, nul]", at: 7, "expected a value"),
    Fault("True", at: 0, "expected a value"),
    Fault("NaN", at: 0, "expected a value"),
    Fault("{} {}", at: 3, "unexpected text after the value"),
    Fault("truex", at: 4, "unexpected text after the value"),
    Fault("1]", at: 1, "unexpected text after the value"),
    Fault("[1\u{C}]", at: 2, "expected a comma or ]"),
    Fault("01", at: 1, "leading zero in a number"),
    Fault("[-01]", at: 3, "leading zero in a number"),
    Fault("-", at: 1, "expected a digit"),
    Fault("-x", at: 1, "expected a digit"),
    Fault("+1", at: 0, "expected a value"),
    Fault(".5", at: 0, "expected a value"),
    Fault("1.", at: 2, "expected a digit after the decimal point"),
    Fault("1.e3", at: 2, "expected a digit after the decimal point"),
    Fault("1e", at: 2, "expected a digit in the exponent"),
    Fault("1E+", at: 3, "expected a digit in the exponent"),
    Fault("0x1", at: 1, "unexpected text after the value"),
    Fault("\"abc", at: 4, "unterminated string"),
    Fault("\"abcdefghijk\\", at: 13, "unterminated string"),
    Fault("\"abc\\\"", at: 6, "unterminated string"),
    Fault("\"\u{1}\"", at: 1, "unescaped control character in a string"),
    Fault("\"0123456789\t\"", at: 11, "unescaped control character in a string"),
    Fault("[\"\n\"]", at: 2, "unescaped control character in a string"),
    Fault("\"\\x\"", at: 1, "invalid escape in a string"),
    Fault("\"\\u12\"", at: 1, "expected four hexadecimal digits after \\u"),
    Fault("\"ab\\u12G4\"", at: 3, "expected four hexadecimal digits after \\u"),
    Fault("'a'", at: 0, "expected a value"),
  ]

  @Test(arguments: faults)
  func `a syntax error has a reason and an offset`(_ fault: Fault) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(fault.text) }
    #expect(error == JSONError(code: .syntax, reason: fault.reason, offset: fault.offset))
    #expect(error?.description == "\(fault.reason) at byte \(fault.offset)")
  }

  @Test(arguments: [
    ([0x22, 0x61, 0xC3, 0x28, 0x22], 2), ([0x22, 0x80, 0x22], 1), ([0x22, 0xC0, 0xAF, 0x22], 1),
    ([0x22, 0xED, 0xA0, 0x80, 0x22], 1), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1),
    ([0x22, 0xE2, 0x82], 1), ([0x5B, 0xFF, 0x5D], 1),
    (Array("\"0123456789\u{E9}".utf8) + [0xFE, 0x22], 13),
  ])
  func `invalid UTF-8 is reported with its offset`(text: [UInt8], offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
    #expect(error?.code == .invalidUTF8)
    #expect(error?.offset == offset)
  }

  @Test(arguments: [
    ("[1,\n x]", 2, 2), ("x", 1, 1), ("{\r\n\r\n  \"a\" x", 3, 7), ("[\n", 2, 1),
    ("[\"\u{E9}\",x]", 1, 7),
  ])
  func `lines and columns count from one`(text: String, line: Int, column: Int) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
    let place = error?.lineAndColumn(in: Array(text.utf8))
    #expect(place?.line == line)
    #expect(place?.column == column)
  }

  @Test(arguments: ["[", "{\"a\":"])
  func `nesting has a limit and uses no stack`(opening: String) throws {
    let closing = opening == "[" ? "]" : "}"
    func nested(_ depth: Int) -> String {
      String(repeating: opening, count: depth - 1) + "[]"
        + String(repeating: closing, count: depth - 1)
    }
    #expect(try JSON.parse(nested(512)).count == 1)
    for depth in [513, 100_000] {
      let error = #expect(throws: JSONError.self) { try JSON.parse(nested(depth)) }
      #expect(error?.code == .tooDeep)
      #expect(error?.reason == "more than 512 nested arrays and objects")
      #expect(error?.offset == 512 * opening.utf8.count)
    }
    // Siblings are not nested.
    let siblings = "[" + Array(repeating: "[[]]", count: 2_000).joined(separator: ",") + "]"
    #expect(try JSON.parse(siblings).count == 2_000)
  }

  @Test(arguments: [
    ("[1,2]", 3, true), ("[1,2,3]", 3, false), (#"{"a":1}"#, 3, true), (#"{"a":1}"#, 2, false),
    ("1", 1, true), (#"[{"a":[]}]"#, 4, true), (#"[{"a":[]}]"#, 3, false),
  ])
  func `the number of values is limited, including names`(
    text: String, limit: Int, isAccepted: Bool
  ) {
    do {
      _ = try JSON.parse(Array(text.utf8), limits: JSONLimits(depth: 8, values: limit))
      #expect(isAccepted)
    } catch {
      #expect(!isAccepted)
      #expect(error.code == .tooManyValues)
      #expect(error.reason == "more than \(limit) values")
    }
  }

  @Test func `a document does not change while somebody has it`() throws {
    var parser = JSONParser()
    func parse(_ text: String) throws -> JSON {
      try Array(text.utf8).withUnsafeBufferPointer { try parser.parse($0) }
    }
    let texts = (0..<50).map { "{\"number\":\($0),\"list\":[\"\($0)\"]}" }
    let kept = try texts.map { try parse($0) }
    // These may use the memory of each other.
    for text in texts { #expect(try parse(text).sourceText == text) }
    let member = try parse("[[1],{\"a\":\"b\"}]")[1]?["a"]
    _ = try parse("[[2],{\"c\":\"d\"}]")
    #expect(member?.string == "b")
    #expect(kept.map(\.sourceText) == texts)
  }

  @Test func `one parser reads many texts, also after an error`() throws {
    var parser = JSONParser()
    func read(_ text: String) -> String? {
      Array(text.utf8).withUnsafeBufferPointer { try? parser.parse($0).sourceText }
    }
    let long = "[" + Array(repeating: "[1,{}]", count: 50_000).joined(separator: ",") + "]"
    for text in ["[1,[2", "{\"a\":1}", long, "\n[\n]", "[]", "[[[[", "2"] {
      #expect(read(text) == (try? JSON.parse(text).sourceText))
    }
    #expect(read("[1,[2") == nil && read(long) != nil)
  }

  @Test func `a document outlives its source and its parser`() throws {
    func element() throws -> JSON? { try JSON.parse(#"{"a":[1,{"b":"deep"}]}"#)["a"]?[1]?["b"] }
    #expect(try element()?.string == "deep")
  }

  @Test func `an accessor for another type returns nil`() throws {
    let json = try JSON.parse(#"{"n":1,"s":"1","t":true,"z":null,"a":[1],"o":{"x":1}}"#)
    func kinds(_ read: (JSON) -> Any?) -> String {
      json.members.filter { read($0.value) != nil }.compactMap(\.name.string).joined()
    }
    #expect(kinds(\.integer) == "n" && kinds(\.double) == "n")
    #expect(kinds(\.string) == "s" && kinds(\.stringBytes) == "s")
    #expect(kinds(\.bool) == "t")
    #expect(kinds { $0["x"] } == "o" && kinds { $0[0] } == "a")
    #expect(kinds { $0.isNull ? true : nil } == "z")
    #expect(json.members.map(\.value.count) == [0, 0, 0, 0, 1, 1])
    #expect(json["a"]?[1] == nil && json["a"]?[-1] == nil)
  }

  @Test func `a value knows its offset`() throws {
    let json = try JSON.parse(#" { "a" : [ 1 , "é" , true ] } "#)
    #expect(json.offset == 1)
    #expect(json["a"]?.offset == 9)
    #expect(json["a"]?.elements.map(\.offset) == [11, 15, 22])
    #expect(json.members.map(\.name.offset) == [3])
  }

  // MARK: Names

  @Test func `the last of repeated members counts, and all are listed`() throws {
    let json = try JSON.parse(#"{"a":1,"b":2,"\u0061":3,"":4}"#)
    #expect(json["a"]?.integer == 3)
    #expect(json[""]?.integer == 4)
    #expect(json["c"] == nil)
    #expect(json.members.map(\.name.string) == ["a", "b", "a", ""])
    #expect(json.members.map(\.value.integer) == [1, 2, 3, 4])
    #expect(json.count == 4)
  }

  @Test func `names that look alike but differ in bytes are different`() throws {
    let json = try JSON.parse(#"{"e\u0301":1,"K":2}"#)
    #expect(json["\u{E9}"] == nil)
    #expect(json["e\u{301}"]?.integer == 1)
    #expect(json["\u{212A}"] == nil)
  }
}

@Suite struct JSONSuiteTests {
  @Test func `every case of the public suite passes`() {
    guard let cases = SharedFile.folder("suites/json/test_parsing") else { return }
    for (name, text) in cases {
      let isAccepted = (try? JSON.parse(text)) != nil
      switch name.prefix(2) {
      case "y_": #expect(isAccepted, "\(name) is JSON")
      case "n_": #expect(!isAccepted, "\(name) is not JSON")
      default: break
      }
      // Accepted texts are written as valid JSON.
      if let json = try? JSON.parse(text) {
        #expect((try? JSON.parse(JSONFragment(json).bytes)) != nil, "\(name) is copied whole")
        #expect(JSONFragment(json).json.kind == json.kind)
      }
    }
    #expect(cases.count { $0.name.hasPrefix("y_") } == 95)
    #expect(cases.count { $0.name.hasPrefix("n_") } == 188)
  }

  @Test func `a large text is kept, and later changes of the array do not show`() throws {
    let item = #"{"name":"a\u0062","list":[1,2,null]}"#
    var text = Array("[\(Array(repeating: item, count: 4_000).joined(separator: ","))]".utf8)
    #expect(text.count > JSONDocument.keptBytes)
    let json = try JSON.parse(text)
    for position in text.indices { text[position] = UInt8(ascii: "x") }
    #expect(json.count == 4_000)
    #expect(json.elements.allSatisfy { $0["name"]?.string == "ab" && $0.sourceText == item })
    #expect(throws: JSONError.self) { try JSON.parse(text) }
  }

  @Test func `a string without escapes names its place in the text`() throws {
    let text = Array(#" {"a":"bc","d":"e\n","f":"","g":1}"#.utf8)
    let json = try JSON.parse(text)
    #expect(json["a"]?.plainText == 7..<9)
    #expect(json["f"]?.plainText?.isEmpty == true)
    #expect(json["d"]?.plainText == nil && json["g"]?.plainText == nil && json.plainText == nil)
  }
}
