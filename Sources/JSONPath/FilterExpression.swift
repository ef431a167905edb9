import Basics

/// The condition of a filter (RFC 9535 section 2.3.5).
///
/// Shaped by the type system of section 2.4.1: what is not well-typed cannot be written down here,
/// so that the parser must refuse it.
indirect enum FilterExpression: Sendable {
  case any([FilterExpression])
  case all([FilterExpression])
  case not(FilterExpression)
  /// At least one node.
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

/// A call of a function whose result is of ValueType.
enum ValueFunction: Sendable {
  /// Section 2.4.4.
  case length(Operand)
  /// Section 2.4.5.
  case count(Query)
  /// Section 2.4.8.
  case value(Query)
}

/// A call of `match` or `search`, whose result is of LogicalType.
struct RegexpTest: Sendable {
  enum Pattern: Sendable {
    case literal(IRegexp)
    /// A literal that is not an I-Regexp (RFC 9485).
    case invalid
    /// Known when the filter runs.
    case computed(Operand)
  }

  let input: Operand
  let pattern: Pattern
  /// `match` (section 2.4.6), not `search` (section 2.4.7).
  let matchesWhole: Bool
}
