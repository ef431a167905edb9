import JSON
import Testing

@testable import PluginHost

@Suite("Differences from a lock")
struct PluginDifferenceTests {
  private func lines(_ old: String, _ new: String) throws -> [String] {
    PluginDifference(
      from: try JSON.parse(Array(old.utf8)), to: try JSON.parse(Array(new.utf8))
    ).lines
  }

  @Test("the order of members and of commands, and white space, make no difference")
  func same() throws {
    #expect(
      try lines(
        #"{"id":"a","title":"T","commands":[{"id":"x","effect":"read"},{"id":"y"}]}"#,
        #"{ "commands":[{"id":"y"},{"effect":"read", "id":"x"}],"title":"T","id":"a"}"#) == [])
  }

  @Test("commands that are gone, new or changed are named with the members that differ")
  func commands() throws {
    #expect(
      try lines(
        #"{"commands":[{"id":"a"},{"id":"b","effect":"read","title":"B"},{"id":"c"}]}"#,
        #"{"commands":[{"id":"b","effect":"write","parameters":{}, "title":"B"},{"id":"c"},{"id":"d"}]}"#
      )
        == ["- a", "~ b: effect, parameters", "+ d"])
  }

  @Test("a nested change is found")
  func nested() throws {
    #expect(
      try lines(
        #"{"commands":[{"id":"a","parameters":{"properties":{"n":{"maximum":5}}}}]}"#,
        #"{"commands":[{"id":"a","parameters":{"properties":{"n":{"maximum":6}}}}]}"#)
        == ["~ a: parameters"])
  }

  @Test("members of the integration itself are named together")
  func integration() throws {
    #expect(
      try lines(
        #"{"title":"A","connection":{"schema":{}},"commands":[]}"#,
        #"{"title":"B","connection":{"schema":{"type":"object"}},"commands":[]}"#)
        == ["~ the integration: title, connection"])
  }

  @Test("many changes are counted")
  func many() throws {
    let commands = (0..<80).map { #"{"id":"c\#($0)"}"# }.joined(separator: ",")
    let lines = try lines(#"{"commands":[\#(commands)]}"#, #"{"commands":[]}"#)
    #expect(lines.count == 51 && lines.last == "and 30 more changes")
  }
}
