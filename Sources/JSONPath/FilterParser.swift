import Basics
import JSON
import Regexp

// Parsing and type checks of filter conditions (RFC 9535 sections 2.3.5 and 2.4.3).
extension QueryParser {
  /// A term of a condition, before it is known whether a comparison follows.
  private enum Term {
    case query(Query)
    case literal(FilterValue)
    case value(ValueFunction)
    case matches(RegexpTest)
  }

  /// Leaves the cursor after the blank space that follows the condition.
  mutating func parseCondition() throws(JSONPathError) -> FilterExpression {
    var alternatives: [FilterExpression] = []
    repeat {
      var conditions: [FilterExpression] = []
      repeat {
        cursor.skipBlanks()
        conditions.append(try parseBasic())
        cursor.skipBlanks()
      } while cursor.take("&&")
      alternatives.append(conditions.count == 1 ? conditions[0] : .all(conditions))
    } while cursor.take("||")
    return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
  }

  private mutating func parseBasic() throws(JSONPathError) -> FilterExpression {
    if cursor.take("!") {
      cursor.skipBlanks()
      if cursor.next(is: "(") { return .not(try parseParentheses()) }
      let start = cursor.position
      let term = try parseTerm()
      let afterTerm = cursor.position
      cursor.skipBlanks()
      guard parseComparisonOperator() == nil else {
        throw .expected("parentheses around the comparison after !", at: start)
      }
      cursor.position = afterTerm
      return .not(try test(term, at: start))
    }
    if cursor.next(is: "(") { return try parseParentheses() }
    let start = cursor.position
    let left = try parseTerm()
    let afterLeft = cursor.position
    cursor.skipBlanks()
    guard let comparison = parseComparisonOperator() else {
      cursor.position = afterLeft
      return try test(left, at: start)
    }
    let leftOperand = try operand(left, at: start)
    cursor.skipBlanks()
    let rightStart = cursor.position
    let rightOperand = try operand(try parseTerm(), at: rightStart)
    return .comparison(leftOperand, comparison, rightOperand)
  }

  private mutating func parseParentheses() throws(JSONPathError) -> FilterExpression {
    let start = cursor.position
    cursor.position += 1
    let condition = try nested(at: start) { parser throws(JSONPathError) in
      try parser.parseCondition()
    }
    guard cursor.take(")") else {
      throw .expected("an operator or )", at: cursor.position)
    }
    return condition
  }

  private mutating func parseComparisonOperator() -> ComparisonOperator? {
    if cursor.take("==") { return .equal }
    if cursor.take("!=") { return .notEqual }
    if cursor.take("<=") { return .lessOrEqual }
    if cursor.take(">=") { return .greaterOrEqual }
    if cursor.take("<") { return .less }
    if cursor.take(">") { return .greater }
    return nil
  }

  private mutating func parseTerm() throws(JSONPathError) -> Term {
    let start = cursor.position
    switch cursor.byte {
    case UInt8(ascii: "$"), UInt8(ascii: "@"):
      return .query(try parseQuery())
    case UInt8(ascii: "'"), UInt8(ascii: "\""):
      let text = String(decoding: try StringLiteral.take(from: &cursor), as: UTF8.self)
      return .literal(.json(JSONFragment { $0.string(text) }.json))
    case .some where cursor.isAtInteger:
      return .literal(try cursor.takeNumber())
    default:
      guard let name = cursor.takeLowercaseName() else {
        throw .expected("a query, a literal, a function, ! or a parenthesis", at: start)
      }
      if cursor.next(is: "(") { return try parseCall(of: name, at: start) }
      switch name {
      case "true": return .literal(.json(JSONFragment { $0.bool(true) }.json))
      case "false": return .literal(.json(JSONFragment { $0.bool(false) }.json))
      case "null": return .literal(.json(JSONFragment.null.json))
      default: throw .expected("true, false, null or a function call", at: start)
      }
    }
  }

  // MARK: Functions

  private mutating func parseCall(of name: String, at start: Int) throws(JSONPathError) -> Term {
    cursor.position += 1
    let call = try nested(at: start) { parser throws(JSONPathError) -> Term in
      parser.cursor.skipBlanks()
      switch name {
      case "length":
        return .value(.length(try parser.parseValueArgument()))
      case "count":
        return .value(.count(try parser.parseNodesArgument()))
      case "value":
        return .value(.value(try parser.parseNodesArgument()))
      case "match", "search":
        return .matches(try parser.parseRegexpArguments(matchesWhole: name == "match"))
      default:
        throw .expected("the function length, count, match, search or value", at: start)
      }
    }
    cursor.skipBlanks()
    guard cursor.take(")") else {
      throw .expected("a parenthesis after the last argument", at: cursor.position)
    }
    return call
  }

  private mutating func parseValueArgument() throws(JSONPathError) -> Operand {
    let start = cursor.position
    return try operand(try parseTerm(), at: start)
  }

  private mutating func parseNodesArgument() throws(JSONPathError) -> Query {
    guard cursor.next(is: "$") || cursor.next(is: "@") else {
      throw .expected("a query as the argument", at: cursor.position)
    }
    return try parseQuery()
  }

  private mutating func parseRegexpArguments(matchesWhole: Bool) throws(JSONPathError) -> RegexpTest
  {
    let input = try parseValueArgument()
    cursor.skipBlanks()
    guard cursor.take(",") else {
      throw .expected("a comma and a second argument", at: cursor.position)
    }
    cursor.skipBlanks()
    let start = cursor.position
    let pattern = try parseValueArgument()
    return RegexpTest(
      input: input, pattern: try compiled(pattern, at: start), matchesWhole: matchesWhole)
  }

  /// Compiles a literal pattern once, at parse time.
  private func compiled(
    _ pattern: Operand, at start: Int
  ) throws(JSONPathError) -> RegexpTest.Pattern {
    guard case .literal(let literal) = pattern else { return .computed(pattern) }
    guard case .json(let json) = literal, let text = json.string else { return .invalid }
    do {
      return .literal(try Regexp(text))
    } catch {
      switch error.kind {
      case .syntax, .unsupported: return .invalid
      case .tooLarge:
        throw .expected(
          "a regular expression of at most \(Regexp.maximumInstructions) steps", at: start)
      }
    }
  }

  // MARK: Types

  /// A term used as a condition.
  private func test(_ term: Term, at start: Int) throws(JSONPathError) -> FilterExpression {
    switch term {
    case .query(let query):
      if let singular = query.singular { return .existsSingular(singular) }
      return .exists(query)
    case .matches(let test):
      return .matches(test)
    case .literal:
      throw .expected("a comparison with the literal", at: start)
    case .value:
      throw .expected("a comparison with the function's result", at: start)
    }
  }

  /// A term used as an operand of a comparison or as an argument of ValueType.
  private func operand(_ term: Term, at start: Int) throws(JSONPathError) -> Operand {
    switch term {
    case .literal(let literal):
      return .literal(literal)
    case .value(let function):
      return .function(function)
    case .query(let query):
      if let singular = query.singular { return .query(singular) }
      throw .expected("a singular query (names and indices only)", at: start)
    case .matches:
      throw .expected("a value, not match or search", at: start)
    }
  }
}
