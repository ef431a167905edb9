/// Parses a pattern by the grammar of RFC 9485 section 3.
///
/// Strict: no `\d`, no lazy quantifiers, no look-around, no flags. The one extension is that `^`
/// and `$` are anchors. In the grammar they are ordinary characters, but the mappings of RFC 9485
/// sections 5.3 and 5.4 pass them to engines that treat them as anchors, and the JSONPath
/// compliance suite expects this.
struct IRegexpParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var nesting = 0

  init(_ pattern: String) {
    scalars = Array(pattern.unicodeScalars)
  }

  mutating func parseWhole() throws(RegexpError) -> RegexpSyntax {
    let syntax = try parseAlternatives()
    guard scalar == nil else { throw .syntax }
    return syntax
  }

  private var scalar: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
    guard scalar == wanted else { return false }
    position += 1
    return true
  }

  private mutating func require(_ wanted: Unicode.Scalar) throws(RegexpError) {
    guard take(wanted) else { throw .syntax }
  }

  // MARK: Structure

  private mutating func parseAlternatives() throws(RegexpError) -> RegexpSyntax {
    guard nesting <= Regexp.maximumNesting else { throw .tooLarge }
    nesting += 1
    var branches: [RegexpSyntax] = []
    repeat { branches.append(try parseBranch()) } while take("|")
    nesting -= 1
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func parseBranch() throws(RegexpError) -> RegexpSyntax {
    var pieces: [RegexpSyntax] = []
    while let scalar, scalar != "|", scalar != ")" {
      pieces.append(try parseQuantifier(of: try parseAtom()))
    }
    return pieces.count == 1 ? pieces[0] : .sequence(pieces)
  }

  private mutating func parseQuantifier(
    of atom: RegexpSyntax
  ) throws(RegexpError) -> RegexpSyntax {
    if take("*") { return .repetition(atom, least: 0, most: nil) }
    if take("+") { return .repetition(atom, least: 1, most: nil) }
    if take("?") { return .repetition(atom, least: 0, most: 1) }
    guard take("{") else { return atom }
    let least = try parseCount()
    var most: Int? = least
    if take(",") { most = scalar == "}" ? nil : try parseCount() }
    try require("}")
    if let most, most < least { throw .syntax }
    return .repetition(atom, least: least, most: most)
  }

  private mutating func parseCount() throws(RegexpError) -> Int {
    let start = position
    var count = 0
    while let scalar, ("0"..."9").contains(scalar) {
      count = count * 10 + Int(scalar.value - 0x30)
      guard count <= Regexp.maximumInstructions else { throw .tooLarge }
      position += 1
    }
    guard position > start else { throw .syntax }
    return count
  }

  private mutating func parseAtom() throws(RegexpError) -> RegexpSyntax {
    guard let scalar else { throw .syntax }
    position += 1
    switch scalar {
    case "(":
      let group = try parseAlternatives()
      try require(")")
      return group
    case "[": return .characters(try parseClass())
    case ".": return .characters(.anyButLineEnds)
    case "^": return .start
    case "$": return .end
    case "\\": return .characters(CharacterClass([try parseEscape()]))
    case "*", "+", "?", "{", "}", "]": throw .syntax
    default: return .characters(CharacterClass([.range(scalar...scalar)]))
    }
  }

  // MARK: Characters

  /// The character or category after a backslash.
  private mutating func parseEscape() throws(RegexpError) -> CharacterClass.Item {
    guard let scalar else { throw .syntax }
    position += 1
    switch scalar {
    case "n": return .range("\n"..."\n")
    case "r": return .range("\r"..."\r")
    case "t": return .range("\t"..."\t")
    case "(", ")", "*", "+", "-", ".", "?", "[", "\\", "]", "^", "{", "|", "}":
      return .range(scalar...scalar)
    case "p", "P":
      try require("{")
      var name = ""
      while let scalar = self.scalar, scalar != "}" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      try require("}")
      guard let categories = CategorySet(named: name) else { throw .syntax }
      return .categories(scalar == "p" ? categories : categories.inverted)
    default:
      throw .syntax
    }
  }

  /// The rest of a class after the opening bracket, including the closing bracket.
  private mutating func parseClass() throws(RegexpError) -> CharacterClass {
    // `[^]` can only be the class that contains ^.
    let isNegated = scalar == "^" && !(position + 1 < scalars.count && scalars[position + 1] == "]")
    if isNegated { position += 1 }
    var items: [CharacterClass.Item] = []
    if take("-") { items.append(.range("-"..."-")) }
    while !(scalar == "]" && !items.isEmpty) {
      if take("-") {
        // A hyphen outside a range must be the first or the last character.
        guard !items.isEmpty, scalar == "]" else { throw .syntax }
        items.append(.range("-"..."-"))
      } else {
        items.append(try parseClassItem())
      }
    }
    position += 1
    return CharacterClass(items, isNegated: isNegated)
  }

  private mutating func parseClassItem() throws(RegexpError) -> CharacterClass.Item {
    let first = try parseClassCharacter()
    guard case .range(let lower) = first, scalar == "-",
      position + 1 < scalars.count, scalars[position + 1] != "]"
    else { return first }
    position += 1
    guard case .range(let upper) = try parseClassCharacter(),
      lower.lowerBound <= upper.lowerBound
    else { throw .syntax }
    return .range(lower.lowerBound...upper.lowerBound)
  }

  private mutating func parseClassCharacter() throws(RegexpError) -> CharacterClass.Item {
    guard let scalar else { throw .syntax }
    position += 1
    switch scalar {
    case "\\": return try parseEscape()
    case "[", "]", "-": throw .syntax
    default: return .range(scalar...scalar)
    }
  }
}
