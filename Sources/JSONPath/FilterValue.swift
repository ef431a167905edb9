import Basics
import JSON

/// An operand of a comparison or a function: a value or Nothing (RFC 9535 section 2.4.1,
/// ValueType).
enum FilterValue: Sendable {
  case nothing
  /// A literal or the result of a function. Separate from `json`, so that a literal is converted
  /// once.
  case number(Number)
  case json(JSON)

  private var number: Number? {
    switch self {
    case .nothing: nil
    case .number(let number): number
    case .json(let json): Number(json)
    }
  }

  /// Section 2.3.5.2.2. Values of different types are unequal and unordered; this is not an error.
  static func holds(_ left: FilterValue, _ comparison: ComparisonOperator, _ right: FilterValue)
    -> Bool
  {
    switch comparison {
    case .equal: areEqual(left, right)
    case .notEqual: !areEqual(left, right)
    case .less: isLess(left, right)
    case .lessOrEqual: isLess(left, right) || areEqual(left, right)
    case .greater: isLess(right, left)
    case .greaterOrEqual: isLess(right, left) || areEqual(left, right)
    }
  }

  private static func areEqual(_ left: FilterValue, _ right: FilterValue) -> Bool {
    switch (left, right) {
    case (.nothing, .nothing): return true
    case (.nothing, _), (_, .nothing): return false
    case (.json(let left), .json(let right)): return left.isSame(as: right)
    default:
      guard let left = left.number, let right = right.number else { return false }
      return left == right
    }
  }

  private static func isLess(_ left: FilterValue, _ right: FilterValue) -> Bool {
    if let left = left.number, let right = right.number { return left < right }
    guard case .json(let leftJSON) = left, case .json(let rightJSON) = right,
      let left = leftJSON.stringBytes, let right = rightJSON.stringBytes
    else { return false }
    // The order of UTF-8 bytes is the order of Unicode scalars.
    return left.lexicographicallyPrecedes(right)
  }
}
