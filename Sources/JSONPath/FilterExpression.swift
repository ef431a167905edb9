import Basics
import Regexp

/// The condition of a filter (RFC 9535 section 2.3.5).
///
/// Follows the type system of section 2.4.1: an ill-typed condition cannot be represented, so the
/// parser must reject it.
indirect enum FilterExpression: Sendable {
  case any([FilterExpression])
  case all([FilterExpression])
  case not(FilterExpression)
  /// True if the query selects at least one node.
  case exists(Query)
  case existsSingular(SingularQuery)
  case comparison(Operand, ComparisonOperator, Operand)
  case matches(RegexpTest)
}

enum ComparisonOperator: Sendable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// An expression of ValueType.
indirect enum Operand: Sendable {
  case literal(FilterValue)
  case query(SingularQuery)
  case function(ValueFunction)
}

/// A call of a function with a result of ValueType.
enum ValueFunction: Sendable {
  /// Section 2.4.4.
  case length(Operand)
  /// Section 2.4.5.
  case count(Query)
  /// Section 2.4.8.
  case value(Query)
}

/// A call of `match` or `search`, with a result of LogicalType.
struct RegexpTest: Sendable {
  enum Pattern: Sendable {
    case literal(Regexp)
    /// A literal that is not an I-Regexp (RFC 9485).
    case invalid
    /// Computed when the filter is evaluated.
    case computed(Operand)
  }

  let input: Operand
  let pattern: Pattern
  /// True for `match` (section 2.4.6), false for `search` (section 2.4.7).
  let matchesWhole: Bool
}
