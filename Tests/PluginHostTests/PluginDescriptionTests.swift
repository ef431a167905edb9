import IntegrationKit
import JSON
import Testing

@testable import PluginHost

@Suite("plugin.json")
struct PluginDescriptionTests {
  private func described(_ text: String) throws -> PluginDescription {
    try PluginDescription.shape.decode(try JSON.parse(Array(text.utf8))) { PluginDescription(&$0) }
  }

  private func problems(_ text: String) throws -> [String] {
    do {
      _ = try described(text)
      return []
    } catch let error as ParameterProblems {
      return error.lines(prefix: "")
    }
  }

  @Test("what is left out has the documented defaults")
  func defaults() throws {
    let plugin = try described(#"{"id":"acme","command":["./acme"]}"#)
    #expect(plugin.childProtocol == .sallyport && plugin.secrets == .brokered)
    #expect(plugin.environment.isEmpty && plugin.checksums.isEmpty)
    let limits = plugin.limits
    #expect(limits.startSeconds == 10 && limits.idleSeconds == 300 && limits.maximumInFlight == 16)
    #expect(limits.memoryMiB == 512 && limits.restartsPerMinute == 5)
  }

  @Test(
    "ids are words of lower-case letters and digits, joined by single underscores",
    arguments: [
      ("a", true), ("acme_edr", true), ("a1_2", true), ("", false), ("1a", false), ("_a", false),
      ("a_", false), ("a__b", false), ("A", false), ("a-b", false), ("é", false), ("a b", false),
      (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false),
    ])
  func ids(text: String, isValid: Bool) {
    #expect(PluginDescription.isIdentifier(text) == isValid)
  }

  @Test("all problems are reported at once")
  func all() throws {
    let problems = try problems(
      #"{"id":"A","comand":[],"protocol":"mpc","environment":{"A=B":"x","C":7},"#
        + #""checksums":{"f":"sha256:12"},"limits":{"memory_mib":1},"settings":{}}"#)
    for path in [
      "/id", "/comand", "/command", "/protocol", "/environment/A=B", "/environment/C",
      "/checksums/f", "/limits/memory_mib",
    ] {
      #expect(problems.contains { $0.hasPrefix("\(path): ") }, "\(path) in \(problems)")
    }
  }

  @Test("NUL, which no argument and no variable can contain, is refused")
  func nul() throws {
    #expect(try !problems(#"{"id":"a","command":["a\u0000b"]}"#).isEmpty)
    #expect(try !problems(#"{"id":"a","command":["a"],"environment":{"A":"\u0000"}}"#).isEmpty)
    #expect(try !problems(#"{"id":"a","command":["a"],"environment":{"A\u0000":"x"}}"#).isEmpty)
    #expect(try !problems(#"{"id":"a","command":["a"],"environment":{"":"x"}}"#).isEmpty)
  }
}
