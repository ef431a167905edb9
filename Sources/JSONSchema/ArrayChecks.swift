import Basics
import JSON

// Elements of arrays.
extension Validator {
  mutating func accepts(
    array value: JSON, _ rules: ArrayRules, _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var isAccepted = acceptsCount(value, rules, node)
    guard isAccepted || isReporting else { return false }
    if !rules.prefix.isEmpty || rules.items != nil {
      var position = 0
      for element in value.elements {
        guard spend(1) else { return false }
        let child = position < rules.prefix.count ? rules.prefix[position] : rules.items
        guard let child else { break }
        if !accepts(element, at: position, child) {
          guard isReporting else { return false }
          isAccepted = false
        }
        if parts >= 0 { evaluations[parts].insert(position) }
        position += 1
      }
    }
    if let contains = rules.contains, !accepts(value, contains, node, parts) {
      isAccepted = false
    }
    if rules.isUnique, isAccepted || isReporting, !acceptsUniqueness(of: value, node) {
      isAccepted = false
    }
    return isAccepted
  }

  private mutating func accepts(_ element: JSON, at position: Int, _ child: Int) -> Bool {
    guard isReporting else { return accepts(child, element) }
    path.append(.index(position))
    defer { path.removeLast() }
    return accepts(child, element)
  }

  private mutating func acceptsCount(
    _ value: JSON, _ rules: ArrayRules, _ node: SchemaNode
  ) -> Bool {
    guard rules.least != nil || rules.most != nil else { return true }
    let count = value.count
    guard spend(count / 8) else { return false }
    if let least = rules.least, count < least {
      return report(
        node, "minItems", "must have at least \(Self.count(least, "item")), not \(count)")
    }
    if let most = rules.most, count > most {
      return report(
        node, "maxItems", "must have at most \(Self.count(most, "item")), not \(count)")
    }
    return true
  }

  private mutating func accepts(
    _ value: JSON, _ contains: ArrayRules.Contains, _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var (found, position) = (0, 0)
    for element in value.elements {
      if parts < 0, found >= contains.least, contains.most == nil { return true }
      guard spend(1) else { return false }
      if matches(contains.node, element) {
        found += 1
        if parts >= 0 { evaluations[parts].insert(position) }
      }
      position += 1
    }
    if found < contains.least {
      return report(
        node, contains.least == 1 ? "contains" : "minContains",
        "must have at least \(Self.count(contains.least, "item")) of the required form, not \(found)"
      )
    }
    if let most = contains.most, found > most {
      return report(
        node, "maxContains",
        "must have at most \(Self.count(most, "item")) of the form that contains describes, not \(found)"
      )
    }
    return true
  }

  private mutating func acceptsUniqueness(of value: JSON, _ node: SchemaNode) -> Bool {
    guard spend(value.size / 4) else { return false }
    switch UniqueElements.repetition(in: value, depth: SchemaLimits.depth - depth) {
    case .none: return true
    case .tooDeep:
      exceedDepth()
      return false
    case .found(let first, let second):
      return report(
        node, "uniqueItems", "items must be unique; item \(second) repeats item \(first)")
    }
  }

  mutating func acceptsUnevaluated(elements value: JSON, _ node: SchemaNode, _ parts: Int) -> Bool {
    guard let child = node.arrays?.unevaluated else { return true }
    var isAccepted = true
    for (position, element) in value.elements.enumerated()
    where !evaluations[parts].contains(position) {
      if !accepts(element, at: position, child) {
        guard isReporting else { return false }
        isAccepted = false
      }
    }
    evaluations[parts].insertAll()
    return isAccepted
  }
}
