import Basics
import JSON

// Subschemas that apply to the same value.
extension Validator {
  mutating func accepts(
    _ value: JSON, _ rules: InPlaceRules, _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var isAccepted = true
    if let reference = rules.reference, !accepts(reference, value, parts) {
      guard isReporting else { return false }
      isAccepted = false
    }
    if let reference = rules.dynamicReference, !accepts(target(of: reference), value, parts) {
      guard isReporting else { return false }
      isAccepted = false
    }
    for child in rules.all where !accepts(child, value, parts) {
      guard isReporting else { return false }
      isAccepted = false
    }
    if !rules.any.isEmpty, !acceptsAny(value, rules.any, node, parts) {
      guard isReporting else { return false }
      isAccepted = false
    }
    if !rules.one.isEmpty, !acceptsOne(value, rules.one, node, parts) {
      guard isReporting else { return false }
      isAccepted = false
    }
    if let not = rules.not, matches(not, value) {
      isAccepted = report(node, "not", "is not allowed: it matches the schema of not")
    }
    if let condition = rules.condition, !accepts(value, condition, parts) { isAccepted = false }
    return isAccepted
  }

  /// Whether a branch matches. Its evaluations count only then.
  private mutating func matchesBranch(_ branch: Int, _ value: JSON, _ parts: Int) -> Bool {
    guard parts >= 0 else { return matches(branch, value) }
    evaluations.append(EvaluatedParts())
    let isMatch = matches(branch, value, evaluations.count - 1)
    let own = evaluations.removeLast()
    if isMatch { evaluations[parts].formUnion(own) }
    return isMatch
  }

  private mutating func acceptsAny(
    _ value: JSON, _ branches: [Int], _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var isAccepted = false
    for branch in branches where matchesBranch(branch, value, parts) {
      isAccepted = true
      // Without evaluations, the other branches do not matter.
      if parts < 0 { return true }
    }
    if isAccepted || !isReporting { return isAccepted }
    return reportClosest(of: branches, value, node, "anyOf")
  }

  private mutating func acceptsOne(
    _ value: JSON, _ branches: [Int], _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var matching: [Int] = []
    var count = 0
    for (position, branch) in branches.enumerated() where matchesBranch(branch, value, parts) {
      count += 1
      if isReporting { matching.append(position) } else if count > 1 { return false }
    }
    if count == 1 || !isReporting { return count == 1 }
    if count == 0 { return reportClosest(of: branches, value, node, "oneOf") }
    return report(
      node, "oneOf",
      "must match exactly one of \(branches.count) alternatives, but matches \(count): "
        + matching.prefix(SchemaLimits.listedValues).map { String($0) }.joined(separator: ", "))
  }

  private mutating func accepts(
    _ value: JSON, _ condition: InPlaceRules.Condition, _ parts: Int
  ) -> Bool {
    let branch =
      matchesBranch(condition.test, value, parts) ? condition.then : condition.otherwise
    return branch.map { accepts($0, value, parts) } ?? true
  }
}
