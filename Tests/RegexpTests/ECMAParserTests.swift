import Regexp
import Testing

/// The dialect of JSON Schema's patterns.
struct ECMAParserTests {
  struct Search: Sendable {
    let pattern: String
    let found: [String]
    let not: [String]

    init(_ pattern: String, found: [String], not: [String]) {
      self.pattern = pattern
      self.found = found
      self.not = not
    }
  }

  static let searches = [
    Search("", found: ["", "a"], not: []),
    Search("b", found: ["abc", "b"], not: ["", "B"]),
    Search("^a", found: ["ab"], not: ["ba", "\na"]),
    Search("a$", found: ["ba"], not: ["ab", "a\n"]),
    Search("^$", found: [""], not: ["a", "\n"]),
    Search("a|^b", found: ["xa", "bx"], not: ["xb"]),
    Search(".", found: ["a", "\u{85}", "😀"], not: ["", "\n", "\r", "\u{2028}", "\u{2029}"]),
    Search("^\\d+$", found: ["123"], not: ["", "1a", "٣"]),
    Search("\\D", found: ["a", "٣", "1é"], not: ["12", ""]),
    Search("^\\w+$", found: ["aZ_09"], not: ["é", "a-b"]),
    Search("\\W", found: ["é", "-"], not: ["aZ_0"]),
    Search(
      "^\\s+$", found: [" \t\n\u{B}\u{C}\r\u{A0}\u{FEFF}\u{2028}\u{3000}"],
      not: ["\u{200B}", "\u{85}"]),
    Search("\\S", found: ["a", "\u{200B}"], not: [" \n"]),
    Search("\\bfoo\\b", found: ["a foo b", "foo", "foo-bar"], not: ["foobar", "éfoo1", "_foo"]),
    Search("o\\B", found: ["foo"], not: ["o", "o-"]),
    Search("^a*?b+?c??$", found: ["b", "aabbc"], not: ["a", "cc"]),
    Search("^a{2,3}?$", found: ["aa", "aaa"], not: ["a", "aaaa"]),
    Search("^(?:ab)+$", found: ["abab"], not: ["aba"]),
    Search("^(?<year>\\d{4})-(?<m_1>\\d\\d)$", found: ["2024-01"], not: ["24-01"]),
    Search("^\\t\\n\\r\\f\\v\\0$", found: ["\t\n\r\u{C}\u{B}\0"], not: [""]),
    Search("^\\x41\\u00e9\\u{1F600}\\ud83d\\ude00\\cJ$", found: ["Aé😀😀\n"], not: ["A"]),
    Search("^[\\x41-\\u0043\\u{e9}]$", found: ["B", "é"], not: ["D"]),
    Search("^\\/\\-\\.\\_\\@\\ \\^\\$$", found: ["/-._@ ^$"], not: [""]),
    Search("^[a-z\\d_.-]+$", found: ["a.b-c_1"], not: ["A", " "]),
    Search("^[\\w-]+$", found: ["a-b"], not: ["a.b"]),
    Search("^[\\w-.]+$", found: ["a-b.c"], not: ["a/b"]),
    Search("^[+-]$", found: ["+", "-"], not: [","]),
    Search("^[^\\s,]+$", found: ["abc"], not: ["a b", "a,b"]),
    Search("^[^\\D]$", found: ["1"], not: ["a"]),
    Search("^[\\s\\S]$", found: ["\n", "a"], not: [""]),
    Search("^[^]$", found: ["\n", "a"], not: [""]),
    Search("[]", found: [], not: ["", "a"]),
    Search("^[[\\]]$", found: ["[", "]"], not: ["a"]),
    Search("^[\\b]$", found: ["\u{8}"], not: ["b"]),
    Search("^[.*+?(){}|$^]+$", found: [".*+?(){}|$^"], not: ["a"]),
    Search("^\\p{L}+$", found: ["aÄ中"], not: ["1"]),
    Search("^\\p{Letter}\\P{Number}$", found: ["a-"], not: ["a1"]),
    Search(
      "^[\\p{Lu}\\p{General_Category=Decimal_Number}\\p{gc=Sc}]+$", found: ["A1€"], not: ["a"]),
    Search("^\\p{ASCII}\\P{ASCII}\\p{Any}$", found: ["aéé"], not: ["éaa"]),
    Search("^[^\\P{Lu}]$", found: ["A"], not: ["a"]),
    Search("^{[a-z]+}$", found: ["{abc}"], not: ["abc"]),
    Search("^a{,3}$", found: ["a{,3}"], not: ["aaa"]),
    Search("^x]}$", found: ["x]}"], not: ["x"]),
    Search("^[^\\u0000\\r\\n]*$", found: ["", "a\tb"], not: ["a\n", "\0", "\r"]),
    Search("^e\u{301}$", found: ["e\u{301}"], not: ["é"]),
    Search("^(a|b|)(c)*$", found: ["", "acc", "c"], not: ["ab"]),
  ]

  @Test(arguments: searches)
  func `a pattern is found`(_ search: Search) throws {
    let regexp = try Regexp(search.pattern, .ecmaSubset)
    #expect(search.found.filter { !regexp.isFound(in: $0) } == [], "\(search.pattern)")
    #expect(search.not.filter { regexp.isFound(in: $0) } == [], "\(search.pattern)")
  }

  @Test(arguments: [
    ("(?=a)", "uses look-ahead"), ("a(?!b)", "uses look-ahead"), ("(?<=a)b", "uses look-behind"),
    ("(?<!a)b", "uses look-behind"), ("(a)\\1", "uses a back reference"),
    ("(?<n>a)\\k<n>", "uses a back reference"), ("(?i:a)", "uses a group with flags"),
    ("(?i)a", "uses a group with flags"),
    ("\\p{Script=Greek}", "uses the Unicode property Script=Greek"),
    ("\\p{Alphabetic}", "uses the Unicode property Alphabetic"), ("\\00", "uses an octal escape"),
    ("\\ud800", "uses an unpaired surrogate"), ("[\\udc00-\\udfff]", "uses an unpaired surrogate"),
  ])
  func `a pattern outside the subset is unsupported`(pattern: String, reason: String) {
    let error = #expect(throws: RegexpError.self) { try Regexp(pattern, .ecmaSubset) }
    #expect(error?.kind == .unsupported && error?.reason == reason)
  }

  @Test(arguments: [
    ("(", "has a ( without a )"), (")", "has a ) without a ("), ("[a", "has a [ without a ]"),
    ("*a", "has a quantifier with nothing to repeat"),
    ("a**", "has a quantifier with nothing to repeat"),
    ("a|?", "has a quantifier with nothing to repeat"),
    ("{2}", "has a quantifier with nothing to repeat"),
    ("^*", "repeats an anchor"), ("\\b+", "repeats an anchor"), ("$?", "repeats an anchor"),
    ("a{3,2}", "has a repetition with its numbers out of order"),
    ("[z-a]", "has a range that is out of order"), ("\\", "ends with a backslash"),
    ("\\y", "has an unknown escape: \\y"), ("\\é", "has an unknown escape: \\\\u{00E9}"),
    ("\\x4", "has a \\x without two hexadecimal digits"),
    ("\\u004", "has a \\u without four hexadecimal digits"),
    ("\\u{110000}", "has a \\u above 10FFFF"),
    ("\\u{}", "has a \\u{ without hexadecimal digits and a }"),
    ("\\c1", "has a \\c without a letter"),
    ("\\pL", "has a \\p without a { after it"), ("\\p{L", "has a { without a }"),
    ("\\p{}", "uses the Unicode property "), ("(?<1>a", "has a ( without a )"),
    ("(?<>a)", "has an invalid group name"), ("(?<a b>a)", "has an invalid group name"),
  ])
  func `a pattern with a mistake is refused with its reason`(pattern: String, reason: String) {
    let error = #expect(throws: RegexpError.self) { try Regexp(pattern, .ecmaSubset) }
    #expect(error?.reason == reason)
  }

  @Test(arguments: [
    "a{10001}", "([a-z]{1,200}){1,200}",
    String(repeating: "(?:", count: 200) + String(repeating: ")", count: 200),
  ])
  func `a pattern that is too large is refused`(_ pattern: String) {
    let error = #expect(throws: RegexpError.self) { try Regexp(pattern, .ecmaSubset) }
    #expect(error?.kind == .tooLarge)
  }

  /// With backtracking, each of these would run practically forever.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "^(a+)+$", "^([a-zA-Z]+)*$", "^(a|aa)+$", "^(a|a?)+$", "(.*a){12}$x", "^(\\w+\\s?)*$",
      "^(([a-z])+.)+[A-Z]([a-z])+$",
    ])
  func `a pattern that makes backtracking explode terminates`(_ pattern: String) throws {
    let text = String(repeating: "a", count: 5_000) + "!"
    #expect(try !Regexp(pattern, .ecmaSubset).isFound(in: text))
  }

  @Test func `the work of a search is counted and limited`() throws {
    let regexp = try Regexp("^(.*){50}b", .ecmaSubset)
    var steps = 100_000
    #expect(regexp.isFound(in: String(repeating: "a", count: 100), steps: &steps) == false)
    #expect((1..<100_000).contains(steps))
    #expect(regexp.isFound(in: String(repeating: "a", count: 100_000), steps: &steps) == nil)
    // A pattern that begins with ^ does not search further.
    steps = 100
    #expect(
      try Regexp("^b", .ecmaSubset).isFound(in: String(repeating: "a", count: 9_999), steps: &steps)
        == false)
  }
}
