import Testing

@testable import JSON

@Suite struct JSONWriterTests {
  @Test(arguments: [
    ("", #""""#), ("a", #""a""#), ("\"\\/", #""\"\\/""#),
    ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#), ("\u{0}\u{1}\u{1F}", #""\u0000\u0001\u001f""#),
    ("\u{7F}", "\"\u{7F}\""), ("\u{85}\u{2028}\u{2029}", #""\u0085\u2028\u2029""#),
    ("\u{84}\u{86}\u{2027}\u{202A}\u{A8}", "\"\u{84}\u{86}\u{2027}\u{202A}\u{A8}\""),
    ("0123456\u{2028}0123456789", #""0123456\u20280123456789""#), ("𝄞é", "\"𝄞é\""),
  ])
  func `a string is escaped for readers of lines`(text: String, written: String) {
    #expect(JSONFragment { $0.string(text) }.text == written)
  }

  @Test func `invalid UTF-8 is replaced`() {
    let text = JSONFragment { $0.string(utf8: [0x61, 0xFF, 0x62, 0xC3][...]) }.text
    #expect(text == "\"a\u{FFFD}b\u{FFFD}\"")
  }

  @Test(arguments: [
    0, 9, 10, -1, -9, -10, 99, 100, Int64.max, Int64.min, 1_000_000, -123_456_789_012,
  ])
  func `an integer is written with all digits`(value: Int64) {
    #expect(JSONFragment { $0.integer(value) }.text == String(value))
  }

  @Test(
    arguments: [
      0, -0.0, 1, 0.1, 1e20, -1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
      123_456_789.125,
    ] as [Double])
  func `a double round-trips`(value: Double) {
    let json = JSONFragment { $0.double(value) }.json
    #expect(json.double?.bitPattern == value.bitPattern)
  }

  @Test func `commas separate values`() {
    let json = JSONFragment(trusted: Array("[1]".utf8)).json
    let text = JSONFragment { writer in
      writer.object { writer in
        writer.name("empty")
        writer.array { _ in }
        writer.name(text: "\"")
        writer.array { writer in
          writer.null()
          writer.string("{")
          writer.string("[")
          writer.string(":")
          writer.array { _ in }
          writer.object { _ in }
          writer.bool(true)
          writer.value(json)
          writer.value(JSONFragment.null)
          writer.object { $0.member("x", 1) }
          writer.integer(-1)
          writer.double(0.5)
        }
        writer.member("a", "b")
        writer.member(ifPresent: "absent", nil)
        writer.member(ifPresent: "present", ",")
        writer.member("t", false)
        writer.member("j", json)
        writer.member("f", JSONFragment.null)
      }
    }.text
    #expect(
      text == #"{"empty":[],"\"":[null,"{","[",":",[],{},true,[1],null,{"x":1},-1,0.5],"#
        + #""a":"b","present":",","t":false,"j":[1],"f":null}"#)
  }

  @Test func `a line starts without a comma`() {
    var writer = JSONWriter(capacity: 1)
    for number in 1...3 {
      writer.array { $0.integer(number) }
      writer.endLine()
    }
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "[1]\n[2]\n[3]\n")
    writer.removeAll()
    writer.integer(4)
    #expect(writer.bytes == [0x34])
  }

  @Test(arguments: [
    // Unchanged if it is on one line.
    (#"{"a" : [ 1.50, 18446744073709551617, "\u00e9\/" ]}"#, nil),
    ("{ \"a\":\t[ ] }", nil), (#""\u2028\n""#, nil),
    // Multiple lines: without space between tokens, with the same escapes.
    (
      "{\n \"a\" : [1.50,\n\"x\u{2028}\\u0041\"],\r\n\"b\":{} }",
      #"{"a":[1.50,"x\u2028\u0041"],"b":{}}"#
    ),
    ("[\n]", "[]"), ("{\r}", "{}"), ("\n\"a\"\n", "\"a\""),
    ("[ 1 , \"\u{85}\" ]", #"[1,"\u0085"]"#),
    ("[\"\u{2029}\\\\\u{2028}\"]", #"["\u2029\\\u2028"]"#),
    ("{\"\u{2028}\":1,\"\u{2028}\":2}", #"{"\u2028":1,"\u2028":2}"#),
    ("[\n{\"a\":{},\"b\":[[],[]]},true ,null]", #"[{"a":{},"b":[[],[]]},true,null]"#),
    ("[\"{\",\n\"[\",\":\"]", #"["{","[",":"]"#),
  ])
  func `a value is copied onto one line`(source: String, copied: String?) throws {
    let json = try JSON.parse(source)
    let expected = copied ?? source
    #expect(JSONFragment(json).text == expected)
    #expect(json.singleLineText == expected)
    // The same inside other values.
    #expect(
      JSONFragment { writer in
        writer.array {
          $0.integer(1)
          $0.value(json)
          $0.value(json)
        }
      }.text == "[1,\(expected),\(expected)]")
  }

  @Test func `a subtree is copied without its surroundings`() throws {
    let json = try JSON.parse("{\"a\" :\n{ \"b\": [ 1, {\"c\" : \"d\"} ] } , \"e\":2}")
    #expect(json["a"].map { JSONFragment($0).text } == #"{"b":[1,{"c":"d"}]}"#)
    #expect(json["a"]?["b"]?[1]?["c"].map { JSONFragment($0).text } == #""d""#)
    #expect(json["e"].map { JSONFragment($0).text } == "2")
  }

  @Test func `a value of maximum depth is copied from several lines`() throws {
    let text = String(repeating: "[\n", count: 512) + String(repeating: "]", count: 512)
    let copied = JSONFragment(try JSON.parse(text)).text
    #expect(copied == text.filter { $0 != "\n" })
  }
}

@Suite struct JSONTextInStringTests {
  @Test(arguments: [
    "{}", #"{"a":"b\"c\\d","e":["\u2028","é😀",1.50,null]}"#, #""\u0001\n""#,
  ])
  func `a value becomes the end of a string that reads back equal`(source: String) throws {
    let value = JSONFragment(try JSON.parse(source))
    var writer = JSONWriter()
    writer.string("one \"line\"\n", followedBy: value)
    let text = try JSON.parse(writer.bytes).string
    #expect(text == "one \"line\"\n\n\n" + value.text)
  }
}
