import Basics
import Testing

@Suite struct SuggestionTests {
  private static let names = [
    "page_size", "list_devices", "list_device_users", "scanner_id", "move", "delete", "in", "out",
  ]

  @Test(arguments: [
    // One letter wrong, missing or extra; two neighbors swapped.
    ("page_sise", "page_size"), ("pag_size", "page_size"), ("page_sizee", "page_size"),
    ("page_szie", "page_size"), ("mvoe", "move"),
    // Another notation.
    ("pageSize", "page_size"), ("Page Size", "page_size"), ("page-size", "page_size"),
    ("LIST_DEVICES", "list_devices"),
    // The closest candidate.
    ("list_device", "list_devices"), ("list_device_user", "list_device_users"), ("int", "in"),
    ("ou", "out"), ("delte", "delete"),
    // Too different.
    ("completely_else", nil), ("size", nil), ("mxyz", nil), ("", nil), ("_", nil), ("xy", nil),
    (String(repeating: "list_devices", count: 7), nil),
  ])
  func `a likely typo gets a suggestion`(word: String, expected: String?) {
    #expect(Suggestion.closest(to: word, among: Self.names) == expected)
  }

  @Test func `an empty list of candidates gives no suggestion`() {
    #expect(Suggestion.closest(to: "word", among: []) == nil)
  }

  @Test func `the first of equally close names is suggested`() {
    #expect(Suggestion.closest(to: "groupid", among: ["group_ie", "group_if"]) == "group_ie")
  }
}
