/// An I-Regexp (RFC 9485), compiled.
///
/// Matching takes time in proportion to the text's length times `maximumInstructions` at worst,
/// whatever the pattern: there is no backtracking. The standard library's `Regex` was not taken
/// because it backtracks, accepts more than RFC 9485 does and costs start-up time.
struct IRegexp: Sendable {
  /// Size of a compiled expression; a counted repetition takes its body times its count.
  static let maximumInstructions = 10_000
  /// Length of a pattern in bytes of UTF-8.
  static let maximumBytes = 16_384
  /// Groups inside each other.
  static let maximumNesting = 100

  enum Fault: Error, Equatable {
    /// Not an I-Regexp.
    case syntax
    /// Beyond a limit above.
    case tooLarge
  }

  private let program: RegexpProgram

  /// Instructions, at least 1.
  var size: Int { max(1, program.instructions.count) }

  init(_ pattern: String) throws(Fault) {
    guard pattern.utf8.count <= Self.maximumBytes else { throw .tooLarge }
    var parser = RegexpParser(pattern)
    var compiler = RegexpCompiler()
    program = try compiler.compile(try parser.parseWhole())
  }

  func matchesWhole(_ text: String) -> Bool {
    var matcher = RegexpMatcher(program: program, isAnchored: true)
    return matcher.run(on: text)
  }

  func isFound(in text: String) -> Bool {
    var matcher = RegexpMatcher(program: program, isAnchored: false)
    return matcher.run(on: text)
  }
}
