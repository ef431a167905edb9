import Regexp
import Testing

struct IRegexpTests {
  struct Match: Sendable {
    let pattern: String
    let whole: [String]
    let not: [String]

    init(_ pattern: String, whole: [String], not: [String]) {
      self.pattern = pattern
      self.whole = whole
      self.not = not
    }
  }

  static let matches = [
    Match("", whole: [""], not: ["a"]),
    Match("abc", whole: ["abc"], not: ["ab", "abcd", "Abc", ""]),
    Match("a|bc|", whole: ["a", "bc", ""], not: ["b", "abc"]),
    Match("(a|b)*c", whole: ["c", "abbac"], not: ["ab", "cc"]),
    Match("()", whole: [""], not: ["a"]),
    Match("(a*)*", whole: ["", "aaa"], not: ["b"]),
    Match("(a|)+b", whole: ["b", "aab"], not: ["a"]),
    Match("a{2}", whole: ["aa"], not: ["a", "aaa"]),
    Match("a{2,}", whole: ["aa", "aaaa"], not: ["a"]),
    Match("a{1,3}b", whole: ["ab", "aaab"], not: ["b", "aaaab"]),
    Match("a{0}", whole: [""], not: ["a"]),
    Match(".", whole: ["x", "😀", "\u{2028}"], not: ["\n", "\r", "", "xx", "e\u{301}"]),
    Match("\\.\\-\\n\\r\\t\\{\\^", whole: [".-\n\r\t{^"], not: []),
    Match("[a-c-]", whole: ["a", "b", "-"], not: ["d", "^"]),
    Match("[-a]", whole: ["-", "a"], not: ["b"]),
    Match("[--]", whole: ["-"], not: ["a"]),
    Match("[^a-c]", whole: ["d", "^", "\n"], not: ["b", ""]),
    Match("[^]", whole: ["^"], not: ["a"]),
    Match("[a^]", whole: ["a", "^"], not: ["b"]),
    Match("[.*(]", whole: [".", "*", "("], not: ["a"]),
    Match("[\\]\\\\-]", whole: ["]", "\\", "-"], not: ["["]),
    Match("[z\u{e0}-\u{ff}a-c]", whole: ["é", "z", "a"], not: ["d", "Ā"]),
    Match("\\p{L}+", whole: ["aÄж中"], not: ["1", "_"]),
    Match("\\p{Nd}", whole: ["1", "٣"], not: ["Ⅷ", "a"]),
    Match("\\P{Nd}", whole: ["Ⅷ", "a"], not: ["1"]),
    Match("[\\p{Lu}\\p{Sc}0-9]*", whole: ["A€7", ""], not: ["a"]),
    Match("[^\\p{Z}\\p{P}]*", whole: ["ab1"], not: ["a b", "a.b"]),
    Match(
      "\\p{Cn}|\\p{Co}|\\p{Cc}|\\p{Cf}", whole: ["\u{378}", "\u{E000}", "\u{7}", "\u{AD}"],
      not: ["a"]),
    Match("^a$", whole: ["a"], not: ["^a$"]),
    Match("a^b", whole: [], not: ["ab", "a^b"]),
    Match("[$]", whole: ["$"], not: [""]),
    Match("a,b-c", whole: ["a,b-c"], not: []),
  ]

  @Test(arguments: matches)
  func `a pattern matches whole texts`(_ match: Match) throws {
    let regexp = try Regexp(match.pattern)
    #expect(match.whole.filter { !regexp.matchesWhole($0) } == [])
    #expect(match.not.filter { regexp.matchesWhole($0) } == [])
  }

  @Test(arguments: [
    ("b+", "abbc", true), ("^b", "abbc", false), ("c$", "abbc", true), ("b$", "abbc", false),
    ("", "", true), ("", "x", true), ("a{3}", "aabaaa", true), ("a{4}", "aabaaa", false),
    ("$", "abc", true), ("^$", "a", false), ("bc|x", "abc", true), ("\n.", "a\nb", true),
  ])
  func `a pattern is found inside a text`(pattern: String, text: String, isFound: Bool) throws {
    #expect(try Regexp(pattern).isFound(in: text) == isFound)
  }

  @Test(arguments: [
    "*a", "a**", "a+?", "a??", "(", ")", "a)", "(a", "[", "]", "[a", "[]", "[z-a]", "[a-b-c]",
    "[a--]",
    "[[]", "[a-\\p{L}]", "[\\p{L}-a]", "{", "}", "a{", "a{}", "a{,3}", "a{3,2}", "a{1", "a{1,2",
    "\\", "\\d", "\\w", "\\s", "\\b", "\\u0041", "\\1", "\\$", "\\/", "\\p", "\\p{", "\\p{}",
    "\\p{Cs}", "\\p{Xx}", "\\p{lu}", "\\p{Lu", "\\p{Luu}", "\\p{^Lu}", "(?:a)", "(?i)a", "|*",
  ])
  func `syntax outside RFC 9485 is rejected`(_ pattern: String) {
    let error = #expect(throws: RegexpError.self) { try Regexp(pattern) }
    #expect(error?.kind == .syntax)
  }

  @Test(arguments: [
    "a{10001}", "a{99999999999999999999}", "(a{101}){101}", "((((){999}){999}){999}){999}",
    "(((a{0,99}){0,99}){0,99}){0,99}",
    String(repeating: "(", count: 101) + String(repeating: ")", count: 101),
    String(repeating: "a", count: 16_385),
  ])
  func `a pattern that is too large is rejected`(_ pattern: String) {
    let error = #expect(throws: RegexpError.self) { try Regexp(pattern) }
    #expect(error?.kind == .tooLarge)
  }

  /// With backtracking, each of these would run practically forever.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(a?){100}a*b", "(.*)(.*)(.*)(.*)b", "((a+)+)+b"])
  func `a pathological pattern terminates`(_ pattern: String) throws {
    let text = String(repeating: "a", count: 5_000)
    let regexp = try Regexp(pattern)
    let results = [
      regexp.matchesWhole(text), regexp.isFound(in: text), regexp.matchesWhole(text + "b"),
    ]
    #expect(results == [false, false, true])
  }
}
