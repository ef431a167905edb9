import JSON
import Testing

@testable import PluginHost

@Suite("Placeholders of secrets")
struct SecretPlaceholderTests {
  private func replaced(_ text: String) -> String {
    SecretPlaceholder.replaced(text) { "<\($0)>" }
  }

  @Test("each placeholder in a text is replaced")
  func text() {
    #expect(replaced("a {{secret:x}} b {{secret:y z}}") == "a <x> b <y z>")
    #expect(replaced("{{secret:x}}{{secret:x}}") == "<x><x>")
    #expect(replaced("{{secret:}}") == "<>")
    #expect(replaced(SecretPlaceholder.text(of: "key")) == "<key>")
  }

  @Test(
    "other text is not changed",
    arguments: [
      "", "x", "{{secret:", "{{secret:x}", "{secret:x}}", "{{Secret:x}}", "}}{{", "{{ secret:x}}",
    ])
  func others(text: String) { #expect(replaced(text) == text) }

  @Test("a value is not searched for placeholders")
  func once() {
    #expect(SecretPlaceholder.replaced("{{secret:a}}}}") { _ in "{{secret:b" } == "{{secret:b}}")
  }

  @Test("in JSON only strings and names are replaced, and the rest stays as it is")
  func json() throws {
    let text =
      #"{"a":"{{secret:x}}","{{secret:n}}":[1.50,"\u007b{secret:y}}",null,{"b":"{{secret:"}],"c":"}}"}"#
    let value = try JSON.parse(Array(text.utf8))
    let written = SecretPlaceholder.replaced(value) { "\"\($0)\\" }.text
    #expect(
      written
        == #"{"a":"\"x\\","\"n\\":[1.50,"\"y\\",null,{"b":"{{secret:"}],"c":"}}"}"#)
    #expect(SecretPlaceholder.names(in: value) == ["x", "n", "y"])
  }

  @Test("the escaped text is the inside of a JSON string")
  func escaped() {
    #expect(SecretPlaceholder.escaped("a\"b\\c\n") == #"a\"b\\c\n"#)
  }
}
