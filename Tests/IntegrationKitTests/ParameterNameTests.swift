import Basics
import JSON
import TestSupport
import Testing

@testable import IntegrationKit

@Suite struct ParameterNameTests {
  @Test(arguments: [
    ("Number of Event(s) Fetched", "number_of_events_fetched"), ("Context ID", "context_id"),
    ("User Email Or ID", "user_email_or_id"), ("Endpoint IDs", "endpoint_ids"),
    ("Add to Blocklist", "add_to_blocklist"), ("BCC Recipients", "bcc_recipients"),
    ("Response Body Plain Text", "response_body_plain_text"),
    ("Company or Group ID", "company_or_group_id"),
    ("Update Target Scan Scope", "update_target_scan_scope"),
    ("List Quarantine Items", "list_quarantine_items"), ("Page", "page"),
    // Titles that the documents do not contain.
    ("Quick Scan - 1", "quick_scan_1"), ("SHA256/MD5 Hash", "sha256_md5_hash"),
    (" Padded  Title ", "padded_title"), ("(All)", "all"), ("A & B", "a_b"), ("", ""),
  ])
  func `a title becomes a snake_case name`(title: String, name: String) {
    #expect(ParameterName.snakeCase(title) == name)
  }

  @Test func `all documented titles become unique names`() throws {
    guard let text = SharedFile.bytes("seeds/commands.json") else { return }
    var titles = 0
    for integration in try JSON.parse(text).members {
      var commands: Set<String> = []
      for command in integration.value.elements {
        let title = try #require(command["title"]?.string)
        #expect(commands.insert(try name(of: title)).inserted, "\(title) twice")
        var parameters: Set<String> = []
        for parameter in command["params"]?.elements.map({ $0 }) ?? [] {
          let title = try #require(parameter["title"]?.string)
          #expect(parameters.insert(try name(of: title)).inserted, "\(title) twice")
          titles += 1
        }
      }
      titles += commands.count
    }
    #expect(titles > 131)
  }

  /// The name, checked against an independent statement of the rule.
  private func name(of title: String) throws -> String {
    let name = ParameterName.snakeCase(title)
    let words = title.lowercased().filter { $0 != "(" && $0 != ")" }
      .split { !("a"..."z").contains($0) && !("0"..."9").contains($0) }
    #expect(name == words.joined(separator: "_"))
    #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil, "\(title)")
    return name
  }
}
