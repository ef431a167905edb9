import Basics
import JSON
import RPC
import Testing

@Suite struct RequestIDTests {
  private func id(_ text: String) throws -> RequestID? { RequestID(try JSON.parse(text)) }

  @Test(arguments: [
    "1", "1.50", "-0", "1e3", "18446744073709551617", #""""#, #""a b""#, #""caf\u00e9""#, #""é""#,
    "null",
  ])
  func `an id keeps its source text`(text: String) throws {
    let id = try #require(try id(text))
    #expect(id.text == text)
    #expect(id.isNull == (text == "null"))
    #expect(JSONFragment { id.write(to: &$0) }.text == text)
    #expect(JSONFragment { writer in writer.array { id.write(to: &$0) } }.text == "[\(text)]")
  }

  @Test func `an id from a text of several lines is written on one line`() throws {
    let json = try JSON.parse("{\"id\":\n\"a\u{2028}b\\u0041\"}")
    let id = try #require(json["id"].flatMap { RequestID($0) })
    #expect(id.text == #""a\u2028b\u0041""#)
  }

  @Test(arguments: ["true", "false", "[]", "{}", "[1]"])
  func `other values are not ids`(text: String) throws {
    #expect(try id(text) == nil)
  }

  @Test(arguments: [
    ("1", "1", true), ("1", "1.0", false), ("1", #""1""#, false), ("null", #""null""#, false),
    (#""a""#, #""\u0061""#, true), (#""\u0061b""#, #""a\u0062""#, true), (#""/""#, #""\/""#, true),
    (#""é""#, #""e\u0301""#, false), (#""a""#, #""A""#, false), (#""\"""#, #""\u0022""#, true),
    ("18446744073709551617", "18446744073709551616", false),
  ])
  func `ids are equal if their texts are equal apart from escapes`(
    one: String, other: String, isEqual: Bool
  ) throws {
    let (one, other) = (try id(one), try id(other))
    #expect((one == other) == isEqual)
    #expect((other == one) == isEqual)
    #expect((Set([one, other]).count == 1) == isEqual)
  }
}
