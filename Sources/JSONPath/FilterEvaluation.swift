import Basics
import JSON
import Regexp

// Evaluation of filter conditions and functions (RFC 9535 sections 2.3.5 and 2.4).
extension Evaluator {
  /// Whether a condition is true with `current` as `@`.
  func holds(_ condition: FilterExpression, for current: JSON) -> Bool {
    switch condition {
    case .any(let conditions): conditions.contains { holds($0, for: current) }
    case .all(let conditions): conditions.allSatisfy { holds($0, for: current) }
    case .not(let condition): !holds(condition, for: current)
    case .exists(let query): !nodes(of: query, current: current, atMost: 1).isEmpty
    case .existsSingular(let query): value(of: query, current: current) != nil
    case .comparison(let left, let comparison, let right):
      holds(value(of: left, current: current), comparison, value(of: right, current: current))
    case .matches(let test): matches(test, current: current)
    }
  }

  private func holds(
    _ left: FilterValue, _ comparison: ComparisonOperator, _ right: FilterValue
  ) -> Bool {
    budget?.spend(comparing: left, right)
    return budget?.isSpent != true && FilterValue.holds(left, comparison, right)
  }

  private func value(of operand: Operand, current: JSON) -> FilterValue {
    switch operand {
    case .literal(let literal): literal
    case .query(let query): value(of: query, current: current).map(FilterValue.json) ?? .nothing
    case .function(let function): result(of: function, current: current)
    }
  }

  private func result(of function: ValueFunction, current: JSON) -> FilterValue {
    switch function {
    case .length(let argument):
      return length(of: value(of: argument, current: current))
    case .count(let query):
      return .number(.integer(Int64(nodes(of: query, current: current, atMost: .max).count)))
    case .value(let query):
      // Two nodes are enough to know that the query is not singular.
      let nodes = nodes(of: query, current: current, atMost: 2)
      return nodes.count == 1 ? .json(nodes[0].value) : .nothing
    }
  }

  private func length(of value: FilterValue) -> FilterValue {
    guard case .json(let json) = value else { return .nothing }
    switch json.kind {
    case .string:
      budget?.spend(1 + json.withSource(\.count) / 64)
      return .number(.integer(Int64(json.string?.unicodeScalars.count ?? 0)))
    case .array: return .number(.integer(Int64(json.count)))
    case .object: return .number(.integer(Int64(json.distinctMembers.count)))
    case .null, .false, .true, .number: return .nothing
    }
  }

  private func matches(_ test: RegexpTest, current: JSON) -> Bool {
    guard let input = string(test.input, current: current) else { return false }
    let regexp: Regexp?
    switch test.pattern {
    case .literal(let literal): regexp = literal
    case .invalid: regexp = nil
    case .computed(let operand):
      regexp = string(operand, current: current).flatMap { pattern in
        budget?.spend(1 + pattern.utf8.count)
        return patterns.regexp(for: pattern)
      }
    }
    guard let regexp else { return false }
    // Worst case: all states of the pattern for each character.
    budget?.spend(1 + input.utf8.count * regexp.size / 64)
    guard budget?.isSpent != true else { return false }
    return test.matchesWhole ? regexp.matchesWhole(input) : regexp.isFound(in: input)
  }

  private func string(_ operand: Operand, current: JSON) -> String? {
    guard case .json(let json) = value(of: operand, current: current) else { return nil }
    return json.string
  }
}

/// The last computed pattern, compiled: a filter usually has the same pattern for every node.
///
/// A class, because the evaluator that uses it is immutable. Used by one evaluation on one thread.
final class LastPattern {
  private var pattern: String.UnicodeScalarView?
  private var regexp: Regexp?

  /// Nil if the pattern is not an I-Regexp or exceeds a limit.
  func regexp(for pattern: String) -> Regexp? {
    let scalars = pattern.unicodeScalars
    if let last = self.pattern, last.elementsEqual(scalars) { return regexp }
    self.pattern = scalars
    regexp = try? Regexp(pattern)
    return regexp
  }
}
