/// A compiled regular expression.
///
/// Matching takes at most time proportional to the length of the text times `maximumInstructions`,
/// for any pattern: there is no backtracking. The standard library's `Regex` is not used because it
/// backtracks, accepts more than these dialects and costs start-up time.
package struct Regexp: Sendable {
  package enum Dialect: Sendable {
    /// RFC 9485, strict.
    case iRegexp
    /// Patterns of JSON Schema: ECMA-262 without look-around and back references.
    case ecmaSubset
  }

  /// Maximum size of a compiled expression. A counted repetition costs its body times its count.
  package static let maximumInstructions = 10_000
  /// Maximum length of a pattern in UTF-8 bytes.
  package static let maximumBytes = 16_384
  /// Maximum depth of nested groups.
  package static let maximumNesting = 100

  private let program: RegexpProgram

  /// The number of instructions, at least 1.
  package var size: Int { max(1, program.instructions.count) }

  package init(_ pattern: String, _ dialect: Dialect = .iRegexp) throws(RegexpError) {
    guard pattern.utf8.count <= Self.maximumBytes else { throw .tooLarge }
    let syntax: RegexpSyntax
    switch dialect {
    case .iRegexp:
      var parser = IRegexpParser(pattern)
      syntax = try parser.parseWhole()
    case .ecmaSubset:
      var parser = ECMAParser(pattern)
      syntax = try parser.parseWhole()
    }
    var compiler = RegexpCompiler()
    program = try compiler.compile(syntax)
  }

  package func matchesWhole(_ text: String) -> Bool {
    var steps = Int.max
    var matcher = RegexpMatcher(program: program, isAnchored: true)
    return matcher.run(on: text, steps: &steps) == true
  }

  package func isFound(in text: String) -> Bool {
    var steps = Int.max
    return isFound(in: text, steps: &steps) == true
  }

  /// - Parameter steps: the remaining work, in visited instructions. Reduced by the work of the call.
  /// - Returns: nil if the steps are not enough.
  package func isFound(in text: String, steps: inout Int) -> Bool? {
    var matcher = RegexpMatcher(program: program, isAnchored: false)
    return matcher.run(on: text, steps: &steps)
  }
}

/// Why a pattern cannot be compiled.
package struct RegexpError: Error, Equatable, Sendable {
  package enum Kind: Sendable {
    /// Not in the grammar of the dialect.
    case syntax
    /// Valid in ECMA-262, but not in the subset.
    case unsupported
    /// Exceeds a limit of `Regexp`.
    case tooLarge
  }

  package let kind: Kind
  /// What follows "the pattern": "uses look-ahead". Never quotes more than a name in the pattern.
  package let reason: String

  static let syntax = RegexpError(kind: .syntax, reason: "is not a regular expression")
  static let tooLarge = RegexpError(
    kind: .tooLarge,
    reason:
      "is too large; limits: \(Regexp.maximumBytes) bytes, \(Regexp.maximumInstructions) steps with repetitions expanded, \(Regexp.maximumNesting) nested groups"
  )

  static func syntax(_ reason: String) -> RegexpError {
    RegexpError(kind: .syntax, reason: reason)
  }

  static func unsupported(_ what: String) -> RegexpError {
    RegexpError(kind: .unsupported, reason: "uses \(what)")
  }
}
