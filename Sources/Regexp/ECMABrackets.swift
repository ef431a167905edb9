/// Parses a class in brackets.
struct ECMABrackets {
  private(set) var cursor: ScalarCursor

  init(_ cursor: ScalarCursor) { self.cursor = cursor }

  /// Reads the class after its opening bracket, including the closing bracket.
  mutating func parse() throws(RegexpError) -> CharacterClass {
    let isNegated = cursor.take("^")
    var items: [CharacterClass.Item] = []
    while !cursor.take("]") { items += try parseItem() }
    return CharacterClass(items, isNegated: isNegated)
  }

  private mutating func parseItem() throws(RegexpError) -> [CharacterClass.Item] {
    let first = try parseCharacter()
    // A hyphen at the end or beside a class is a character.
    guard cursor.scalar == "-", let after = cursor.scalar(after: 1), after != "]",
      case .character(let lower) = first
    else { return first.items }
    let hyphen = cursor.position
    cursor.position += 1
    guard case .character(let upper) = try parseCharacter() else {
      cursor.position = hyphen
      return first.items
    }
    guard lower <= upper else { throw .syntax("has a range that is out of order") }
    return [.range(lower...upper)]
  }

  private mutating func parseCharacter() throws(RegexpError) -> ECMAEscape {
    guard let scalar = cursor.next() else { throw .syntax("has a [ without a ]") }
    guard scalar == "\\" else { return .character(scalar) }
    // In brackets, `\b` is a backspace.
    return cursor.take("b") ? .character("\u{8}") : try ECMAEscape.parse(&cursor)
  }
}
