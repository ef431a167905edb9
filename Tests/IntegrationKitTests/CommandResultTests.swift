import Basics
import JSON
import JSONPath
import Testing

@testable import IntegrationKit

@Suite struct CommandResultTests {
  private func written(_ result: CommandResult) -> String {
    JSONFragment { writer in
      writer.object { result.writeMembers(to: &$0, indicator: "Test failed.") }
    }.text
  }

  @Test func `a body is unchanged, and null if it is missing`() throws {
    let body = try JSON.parse(#"{"a" : 1.50}"#)
    #expect(
      written(CommandResult(.body(body)))
        == #"{"return_data":"Successful","raw_data":{"a" : 1.50}}"#)
    #expect(
      written(CommandResult(.body(JSONFragment.null.json)))
        == #"{"return_data":"Successful","raw_data":null}"#)
    #expect(
      written(CommandResult(.none, notices: ["More was done."]))
        == #"{"return_data":"Successful","notices":["More was done."]}"#)
    #expect(written(CommandResult(.streamed)) == #"{"return_data":"Successful"}"#)
  }

  @Test(arguments: [
    (ItemsPath(), "[1]", ["[2,3]", "[]", "[4]"], "[1,2,3,4]"),
    (
      ItemsPath("items"), #"{"total":4,"items":[1],"items2":[]}"#,
      [#"{"items":[2,3]}"#, "{}", #"{"items":null}"#, #"{"items":[4]}"#],
      #"{"total":4,"items":[1,2,3,4],"items2":[]}"#
    ),
    (
      ItemsPath("result", "items"), #"{"items":[9],"result":{"items":[],"page":1}}"#,
      [#"{"result":{"items":[1]}}"#], #"{"items":[9],"result":{"items":[1],"page":1}}"#
    ),
    (
      ItemsPath("content", or: ["items"]), #"{"items":[1]}"#,
      [#"{"content":[2]}"#, #"{"items":[3]}"#],
      #"{"items":[1,2,3]}"#
    ),
  ])
  func `the items of later pages extend the first page`(
    list: ItemsPath, first: String, more: [String], expected: String
  ) throws {
    let result = CommandResult(
      .pages(
        first: try JSON.parse(first), list: list,
        more: try more.map { CommandResult.Page(body: try JSON.parse($0)) }))
    #expect(written(result) == #"{"return_data":"Successful","raw_data":\#(expected)}"#)
  }

  @Test(arguments: [
    (ItemsPath(), "$[*]"), (ItemsPath("items"), "$.items[*]"),
    (ItemsPath("result", "items"), "$.result.items[*]"),
  ])
  func `the path of a list is a JSONPath`(path: ItemsPath, text: String) {
    #expect(path.text == text)
  }
}
