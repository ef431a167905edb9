import Testing

@testable import JSON

@Suite struct JSONSelectionTests {
  /// The content of a selection, which cannot itself be copied into an expectation.
  private struct Found: Equatable {
    var values: [String?]
    var unknownCount: Int

    init(_ values: [String?], unknown: Int) {
      self.values = values
      unknownCount = unknown
    }

    init(_ source: String, _ names: JSONNames) throws {
      let selection = try JSON.parse(source).select(names)
      values = names.texts.indices.map { selection[$0]?.sourceText }
      unknownCount = selection.unknownCount
      for position in names.texts.indices {
        let (has, value) = (selection.has(position), selection[position])
        #expect(has == (value != nil))
        let notNull = selection.valueIfNotNull(position)?.sourceText
        #expect(notNull == (value?.isNull == true ? nil : value?.sourceText))
      }
    }
  }

  static let names = JSONNames("a", "b", "page_size", "é")

  private static let cases: [(String, Found)] = [
    (#"{"a":1,"b":2,"page_size":3,"é":4}"#, Found(["1", "2", "3", "4"], unknown: 0)),
    (#"{"é":4,"page_size":3,"b":2,"a":1}"#, Found(["1", "2", "3", "4"], unknown: 0)),
    (
      #"{"\u0061":1,"page\u005fsize":{"a":9},"\u00e9":4}"#,
      Found(["1", nil, #"{"a":9}"#, "4"], unknown: 0)
    ),
    (#"{"a":1,"a":2,"\u0061":3}"#, Found(["3", nil, nil, nil], unknown: 0)),
    (#"{"a":1,"a":null}"#, Found(["null", nil, nil, nil], unknown: 0)),
    (
      #"{"x":{"a":1},"A":1,"":2,"aa":3,"b":null,"e\u0301":5}"#,
      Found([nil, "null", nil, nil], unknown: 5)
    ),
    ("{}", Found([nil, nil, nil, nil], unknown: 0)),
    (#"["a",1]"#, Found([nil, nil, nil, nil], unknown: 0)),
    (#""a""#, Found([nil, nil, nil, nil], unknown: 0)),
    ("null", Found([nil, nil, nil, nil], unknown: 0)),
  ]

  @Test(arguments: cases.indices)
  func `members are found by name in any order, and others are counted`(index: Int) throws {
    let (source, expected) = Self.cases[index]
    #expect(try Found(source, Self.names) == expected, "\(source)")
  }

  @Test func `an empty name is valid, and an empty list finds nothing`() throws {
    #expect(try Found(#"{"":1,"a":2}"#, JSONNames("", "b")) == Found(["1", nil], unknown: 1))
    #expect(try Found(#"{"":1,"a":2}"#, JSONNames([])) == Found([], unknown: 2))
  }

  @Test func `the maximum number of names is found`() throws {
    let texts = (0..<JSONSelection.maximumNames).map { "name\($0)" }
    let source = texts.reversed().map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",")
    let found = try Found("{\(source)}", JSONNames(texts))
    #expect(found == Found(texts.map { "\"\($0)\"" }, unknown: 0))
  }

  @Test func `names of every length are compared to the last byte`() throws {
    let texts = (0...40).map { String(repeating: "n", count: $0) }
    for first in texts.indices {
      let name = texts[first]
      let names = JSONNames("other", name)
      for text in texts {
        let found = try Found("{\"\(text)\":1}", names)
        let isEqual = text == name
        #expect(found == Found([nil, isEqual ? "1" : nil], unknown: isEqual ? 0 : 1))
        #expect((try JSON.parse("{\"\(text)\":1}")[name] != nil) == isEqual)
      }
      for position in 0..<first {
        var near = Array(name.utf8)
        near[position] = UInt8(ascii: "m")
        let text = String(decoding: near, as: UTF8.self)
        #expect(try Found("{\"\(text)\":1}", names) == Found([nil, nil], unknown: 1))
        let escaped = text.replacing("m", with: "\\u006e")
        #expect(try Found("{\"\(escaped)\":1}", names) == Found([nil, "1"], unknown: 0))
      }
    }
  }

  @Test func `a name with a NUL is not a shorter name`() throws {
    let found = try Found(#"{"a\u0000":1,"a":2}"#, JSONNames("a", "a\0"))
    #expect(found == Found(["2", "1"], unknown: 0))
  }

  @Test(arguments: [
    (#"{"a":"2.0"}"#, true), (#"{"a":"2\u002e0"}"#, true), (#"{"a":"2.00"}"#, false),
    (#"{"a":"2.1"}"#, false), (#"{"a":2.0}"#, false), (#"{"b":"2.0"}"#, false), ("{}", false),
    ("[]", false),
  ])
  func `a member is compared with a text`(source: String, isEqual: Bool) throws {
    let selection = try JSON.parse(source).select(Self.names)
    let found = selection.equals(0, "2.0")
    #expect(found == isEqual)
  }

  @Test(arguments: [
    (#""a""#, 0), (#""\u0062""#, 1), (#""c""#, nil), ("1", nil), (#""""#, nil), (#""é""#, 3),
  ])
  func `a name has a position`(source: String, position: Int?) throws {
    #expect(Self.names.position(of: try JSON.parse(source)) == position)
  }
}

@Suite struct CanonicalJSONTests {
  @Test(arguments: [
    (#"{"b":[1,"\u0061"],"a":{"y":1,"x":2}}"#, #"{"a":{"x":2,"y":1},"b":[1,"a"]}"#),
    ("[ 1.50 ,\n{ } ]", "[1.50,{}]"), (#"{"a":1,"a":2}"#, #"{"a":2}"#),
    (#""\u00e9\/\u2028""#, #""é/\u2028""#), ("1.0", "1.0"), ("null", "null"),
    (#"{"b":1,"B":2,"a":3,"":4,"aa":5}"#, #"{"":4,"B":2,"a":3,"aa":5,"b":1}"#),
    // Look the same, but are different names.
    (#"{"e\u0301":1,"\u00e9":2}"#, "{\"e\u{301}\":1,\"\u{E9}\":2}"),
    (#"{"\u212a":1,"K":2}"#, "{\"K\":2,\"\u{212A}\":1}"),
  ])
  func `order, repetition, spaces and escapes do not matter`(
    source: String, canonical: String
  ) throws {
    let text = JSONFragment(try JSON.parse(source)).canonicalText
    #expect(Array(text.utf8) == Array(canonical.utf8))
  }
}
