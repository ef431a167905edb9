import Basics
import JSON
import JSONPath
import Testing

struct PatternTests {
  @Test func `an invalid pattern matches nothing, literal or computed`() throws {
    let document = try JSON.parse(
      ##"{"values": ["a", "1"], "invalid": "\\d", "large": "a{20000}"}"##)
    for pattern in [#"'\\d'"#, "$.invalid", "$.large", "$.missing", "1"] {
      let query = "$.values[?match(@, \(pattern)) || search(@, \(pattern))]"
      #expect(try JSONPath(query).values(in: document).isEmpty, "\(query)")
    }
  }

  @Test func `computed patterns may differ per node`() throws {
    let document = try JSON.parse(
      ##"[{"p": "a+", "v": "aa"}, {"p": "b", "v": "aa"}, {"p": "b", "v": "b"}, {"p": "(", "v": "("}]"##
    )
    let values = try JSONPath("$[?match(@.v, @.p)].v").values(in: document)
    #expect(values.map(\.string) == ["aa", "b"])
  }
}
