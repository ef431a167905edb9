/// A compiled I-Regexp (RFC 9485).
///
/// Matching takes at most time proportional to the length of the text times `maximumInstructions`,
/// for any pattern: there is no backtracking. The standard library's `Regex` is not used because it
/// backtracks, accepts more than RFC 9485 and costs start-up time.
struct IRegexp: Sendable {
  /// Maximum size of a compiled expression. A counted repetition costs its body times its count.
  static let maximumInstructions = 10_000
  /// Maximum length of a pattern in UTF-8 bytes.
  static let maximumBytes = 16_384
  /// Maximum depth of nested groups.
  static let maximumNesting = 100

  enum CompileError: Error, Equatable {
    /// Not an I-Regexp.
    case syntax
    /// Exceeds a limit above.
    case tooLarge
  }

  private let program: RegexpProgram

  /// The number of instructions, at least 1.
  var size: Int { max(1, program.instructions.count) }

  init(_ pattern: String) throws(CompileError) {
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
