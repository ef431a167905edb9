/// Parses a query by the grammar of RFC 9535 appendix A: segments and selectors here, filter
/// conditions in `FilterParser.swift`.
struct QueryParser {
  var cursor: Cursor
  private var nesting = 0
  private var segmentCount = 0

  init(_ bytes: [UInt8]) {
    cursor = Cursor(bytes)
  }

  mutating func parseWhole() throws(JSONPathError) -> Query {
    guard cursor.next(is: "$") else { throw .expected("$", at: 0) }
    let query = try parseQuery()
    guard cursor.byte == nil else {
      throw .expected("a segment (. or [) or the end of the query", at: cursor.position)
    }
    return query
  }

  /// A query with its `$` or `@` at the cursor.
  mutating func parseQuery() throws(JSONPathError) -> Query {
    let start = cursor.next(is: "$") ? Query.Start.root : .current
    cursor.position += 1
    var segments: [Segment] = []
    while let segment = try parseSegment() { segments.append(segment) }
    return Query(start: start, segments: segments)
  }

  /// Runs `parse` one nesting level deeper. The level starts at `offset`.
  mutating func nested<Parsed>(
    at offset: Int, _ parse: (inout QueryParser) throws(JSONPathError) -> Parsed
  ) throws(JSONPathError) -> Parsed {
    guard nesting < JSONPath.maximumNesting else {
      throw .expected("at most \(JSONPath.maximumNesting) nested levels", at: offset)
    }
    nesting += 1
    let parsed = try parse(&self)
    nesting -= 1
    return parsed
  }

  // MARK: Segments

  /// Nil, with the cursor unchanged, if no segment follows: blank space after the last segment
  /// belongs to the next token.
  private mutating func parseSegment() throws(JSONPathError) -> Segment? {
    let before = cursor
    cursor.skipBlanks()
    guard cursor.next(is: ".") || cursor.next(is: "[") else {
      cursor = before
      return nil
    }
    segmentCount += 1
    guard segmentCount <= JSONPath.maximumSegments else {
      throw .expected("at most \(JSONPath.maximumSegments) segments", at: cursor.position)
    }
    let isDescendant = cursor.take("..")
    if cursor.next(is: "[") { return try parseBrackets(isDescendant: isDescendant) }
    if !isDescendant { cursor.position += 1 }
    let selector: Selector
    if cursor.take("*") {
      selector = .wildcard
    } else if let name = cursor.takeShorthandName() {
      selector = .name(name)
    } else {
      throw .expected(
        isDescendant ? "a name, * or [ after .." : "a name or * after .", at: cursor.position)
    }
    return Segment(isDescendant: isDescendant, selectors: [selector], hasBlanksInside: false)
  }

  private mutating func parseBrackets(isDescendant: Bool) throws(JSONPathError) -> Segment {
    cursor.position += 1
    let afterOpening = cursor.position
    var selectors: [Selector] = []
    repeat {
      cursor.skipBlanks()
      selectors.append(try parseSelector())
      cursor.skipBlanks()
    } while cursor.take(",")
    let closing = cursor.position
    guard cursor.take("]") else { throw .expected("a comma or ]", at: closing) }
    let hasBlanksInside = [afterOpening, closing - 1].contains {
      Cursor.isBlank(cursor.bytes[$0])
    }
    return Segment(
      isDescendant: isDescendant, selectors: selectors, hasBlanksInside: hasBlanksInside)
  }

  // MARK: Selectors

  private mutating func parseSelector() throws(JSONPathError) -> Selector {
    switch cursor.byte {
    case UInt8(ascii: "'"), UInt8(ascii: "\""):
      return .name(MemberName(utf8: try StringLiteral.take(from: &cursor)))
    case UInt8(ascii: "*"):
      cursor.position += 1
      return .wildcard
    case UInt8(ascii: "?"):
      let start = cursor.position
      cursor.position += 1
      return .filter(
        try nested(at: start) { parser throws(JSONPathError) in
          parser.cursor.skipBlanks()
          return try parser.parseCondition()
        })
    default:
      guard cursor.isAtInteger || cursor.next(is: ":") else {
        throw .expected(
          "a selector: a quoted name, *, an index, a slice or a filter", at: cursor.position)
      }
      return try parseIndexOrSlice()
    }
  }

  private mutating func parseIndexOrSlice() throws(JSONPathError) -> Selector {
    let start = try parseIntegerIfPresent()
    let afterStart = cursor
    cursor.skipBlanks()
    guard cursor.take(":") else {
      cursor = afterStart
      guard let start else { throw .expected("an index", at: cursor.position) }
      return .index(start)
    }
    cursor.skipBlanks()
    let end = try parseIntegerIfPresent()
    let afterEnd = cursor
    cursor.skipBlanks()
    guard cursor.take(":") else {
      cursor = afterEnd
      return .slice(Slice(start: start, end: end, step: 1))
    }
    cursor.skipBlanks()
    return .slice(Slice(start: start, end: end, step: try parseIntegerIfPresent() ?? 1))
  }

  private mutating func parseIntegerIfPresent() throws(JSONPathError) -> Int? {
    cursor.isAtInteger ? try cursor.takeInteger() : nil
  }
}
