import Basics
import JSON
import Testing

@testable import IntegrationKit

@Suite struct GlobTests {
  @Test(arguments: [
    ("list_*", "list_devices", true), ("list_*", "list_", true), ("list_*", "list", false),
    ("*", "", true), ("*", "anything", true), ("", "", true), ("", "a", false), ("**", "a", true),
    ("*_scan*", "patch_rescan", false), ("*rescan", "patch_rescan", true),
    ("l?st_*s", "list_devices", true), ("?", "", false), ("?", "a", true), ("?", "ab", false),
    ("list", "lists", false), ("lists", "list", false), ("*a*b*c", "xxaxxbxxc", true),
    ("*a*b*c", "xxaxxcxxb", false), ("a*a", "a", false), ("a*a", "aa", true),
    ("*ab", "aab", true), ("*aab", "aaab", true), ("[a-z]*", "abc", false),
    ("LIST_*", "list_a", false),
    ("\\*", "*", false),
  ])
  func `a pattern matches whole names`(pattern: String, name: String, matches: Bool) {
    #expect(Glob.matches(pattern, name) == matches)
  }

  @Test func `many asterisks are matched quickly`() {
    let pattern = String(repeating: "*a", count: 200) + "b"
    #expect(!Glob.matches(pattern, String(repeating: "a", count: 5_000)))
  }
}

@Suite struct ConnectionPolicyTests {
  private static let readOnly = "the connection is read-only"
  private static let denied = "the connection's policy denies it"
  private static let notAllowed = "the connection's policy does not allow it"

  @Test(arguments: [
    ("{}", CommandMetadata.Effect.destructive, nil),
    (#"{"read_only":true}"#, .read, nil), (#"{"read_only":true}"#, .write, readOnly),
    (#"{"read_only":true}"#, .destructive, readOnly), (#"{"read_only":false}"#, .write, nil),
    (#"{"allow":["list_*"]}"#, .read, notAllowed),
    (#"{"allow":["list_*","delete_*"]}"#, .read, nil),
    (#"{"allow":[]}"#, .read, notAllowed), (#"{"allow":["delete_users"]}"#, .write, nil),
    (#"{"deny":["delete_*"]}"#, .write, denied), (#"{"deny":["list_*"]}"#, .write, nil),
    (#"{"deny":[]}"#, .write, nil),
    // deny overrides allow, and read_only overrides both.
    (#"{"allow":["*"],"deny":["delete_*"]}"#, .read, denied),
    (#"{"read_only":true,"allow":["*"],"deny":["delete_*"]}"#, .write, readOnly),
  ])
  func `a command is allowed if every rule allows it`(
    policy: String, effect: CommandMetadata.Effect, refusal: String?
  ) throws {
    let policy = try ParameterShape(of: ConnectionPolicy.self).decode(try JSON.parse(policy)) {
      ConnectionPolicy(&$0)
    }
    #expect(policy.refusal(of: "delete_users", effect: effect) == refusal)
  }
}
