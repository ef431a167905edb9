/// Parses a pattern of JSON Schema: the grammar of ECMA-262 section 22.2.1 with the flag `u`.
///
/// Look-around and back references are refused: they need backtracking. Accepted in addition, as
/// without the flag: `{`, `}` and `]` as characters where they can mean nothing else, escaped ASCII
/// punctuation, and a hyphen beside a class such as `\w` in brackets.
struct ECMAParser {
  private var cursor: ScalarCursor
  private var nesting = 0

  init(_ pattern: String) {
    cursor = ScalarCursor(pattern)
  }

  mutating func parseWhole() throws(RegexpError) -> RegexpSyntax {
    let syntax = try parseAlternatives()
    guard cursor.scalar == nil else { throw .syntax("has a ) without a (") }
    return syntax
  }

  // MARK: Structure

  private mutating func parseAlternatives() throws(RegexpError) -> RegexpSyntax {
    guard nesting <= Regexp.maximumNesting else { throw .tooLarge }
    nesting += 1
    var branches: [RegexpSyntax] = []
    repeat { branches.append(try parseBranch()) } while cursor.take("|")
    nesting -= 1
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func parseBranch() throws(RegexpError) -> RegexpSyntax {
    var pieces: [RegexpSyntax] = []
    while let scalar = cursor.scalar, scalar != "|", scalar != ")" {
      let atom = try parseAtom()
      switch atom {
      case .start, .end, .wordBoundary:
        if try parseQuantifier() != nil { throw .syntax("repeats an anchor") }
        pieces.append(atom)
      default:
        let quantifier = try parseQuantifier()
        pieces.append(
          quantifier.map { .repetition(atom, least: $0.least, most: $0.most) } ?? atom)
      }
    }
    return pieces.count == 1 ? pieces[0] : .sequence(pieces)
  }

  /// A lazy quantifier accepts the same texts as a greedy one.
  private mutating func parseQuantifier() throws(RegexpError) -> (least: Int, most: Int?)? {
    let quantifier: (least: Int, most: Int?)
    if cursor.take("*") {
      quantifier = (0, nil)
    } else if cursor.take("+") {
      quantifier = (1, nil)
    } else if cursor.take("?") {
      quantifier = (0, 1)
    } else if let counts = try parseCounts() {
      quantifier = counts
    } else {
      return nil
    }
    _ = cursor.take("?")
    return quantifier
  }

  /// `{2}`, `{2,}` or `{2,3}`. Nil, with the cursor unmoved, for other text.
  private mutating func parseCounts() throws(RegexpError) -> (least: Int, most: Int?)? {
    let start = cursor.position
    guard cursor.take("{"), let least = try parseCount() else {
      cursor.position = start
      return nil
    }
    var most: Int? = least
    if cursor.take(",") { most = try parseCount() }
    guard cursor.take("}") else {
      cursor.position = start
      return nil
    }
    if let most, most < least { throw .syntax("has a repetition with its numbers out of order") }
    return (least, most)
  }

  private mutating func parseCount() throws(RegexpError) -> Int? {
    let start = cursor.position
    var count = 0
    while let scalar = cursor.scalar, ("0"..."9").contains(scalar) {
      count = count * 10 + Int(scalar.value - 0x30)
      guard count <= Regexp.maximumInstructions else { throw .tooLarge }
      cursor.position += 1
    }
    return cursor.position > start ? count : nil
  }

  private mutating func parseAtom() throws(RegexpError) -> RegexpSyntax {
    if try parseCounts() != nil { throw .syntax("has a quantifier with nothing to repeat") }
    guard let scalar = cursor.next() else { throw .syntax("ends too early") }
    switch scalar {
    case "(": return try parseGroup()
    case "[":
      var brackets = ECMABrackets(cursor)
      defer { cursor = brackets.cursor }
      return .characters(try brackets.parse())
    case ".": return .characters(CharacterClass(ECMAClasses.lineEnds, isNegated: true))
    case "^": return .start
    case "$": return .end
    case "\\":
      if cursor.take("b") { return .wordBoundary(isNegated: false) }
      if cursor.take("B") { return .wordBoundary(isNegated: true) }
      return .characters(CharacterClass(try ECMAEscape.parse(&cursor).items))
    case "*", "+", "?": throw .syntax("has a quantifier with nothing to repeat")
    default: return .characters(CharacterClass([.range(scalar...scalar)]))
    }
  }

  /// The rest of a group after the opening parenthesis.
  private mutating func parseGroup() throws(RegexpError) -> RegexpSyntax {
    if cursor.take("?") {
      switch cursor.next() {
      case ":": break
      case "=", "!": throw .unsupported("look-ahead")
      case "<":
        if cursor.take("=") || cursor.take("!") { throw .unsupported("look-behind") }
        try skipName()
      default: throw .unsupported("a group with flags")
      }
    }
    let group = try parseAlternatives()
    guard cursor.take(")") else { throw .syntax("has a ( without a )") }
    return group
  }

  /// The name of a group, which has no meaning without back references.
  private mutating func skipName() throws(RegexpError) {
    let start = cursor.position
    while let scalar = cursor.next(), scalar != ">" {
      guard scalar == "_" || scalar == "$" || scalar.properties.isIDContinue else {
        throw .syntax("has an invalid group name")
      }
    }
    guard cursor.position - start > 1 else { throw .syntax("has an invalid group name") }
  }
}
