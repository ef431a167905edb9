import Basics
import JSON

// Members of objects.
extension Validator {
  mutating func accepts(
    object value: JSON, _ rules: ObjectRules, _ node: SchemaNode, _ parts: Int
  ) -> Bool {
    var given = NameMarks(count: rules.names.texts.count)
    var isAccepted = true
    var count = 0
    var expected = 0
    for member in value.members {
      guard spend(1 + member.name.size / 64) else { return false }
      let position = rules.names.position(of: member.name, expecting: expected)
      if let position {
        given.insert(position)
        expected = position + 1
      }
      if !accepts(member, position, rules, node, parts, count) {
        guard isReporting else { return false }
        isAccepted = false
      }
      count += 1
    }
    if !acceptsCount(count, rules, node) { isAccepted = false }
    guard isAccepted || isReporting else { return false }
    if !acceptsAbsence(given, rules, node) { isAccepted = false }
    guard isAccepted || isReporting else { return false }
    for (trigger, dependent) in rules.dependentSchemas where given.contains(trigger) {
      if !accepts(dependent, value, parts) {
        guard isReporting else { return false }
        isAccepted = false
      }
    }
    return isAccepted
  }

  private mutating func acceptsCount(
    _ count: Int, _ rules: ObjectRules, _ node: SchemaNode
  ) -> Bool {
    let term = term
    if let least = rules.least, count < least {
      return report(
        node, "minProperties", "must have at least \(Self.count(least, "\(term)")), not \(count)")
    }
    if let most = rules.most, count > most {
      return report(
        node, "maxProperties", "must have at most \(Self.count(most, "\(term)")), not \(count)")
    }
    return true
  }

  private mutating func accepts(
    _ member: JSON.Member, _ position: Int?, _ rules: ObjectRules, _ node: SchemaNode,
    _ parts: Int, _ count: Int
  ) -> Bool {
    if isReporting { path.append(.member(member.name)) }
    defer { if isReporting { path.removeLast() } }
    var isAccepted = true
    var isEvaluated = false
    if let position, rules.properties[position] >= 0 {
      isEvaluated = true
      isAccepted = accepts(rules.properties[position], member.value)
    }
    if !rules.patterns.isEmpty, let name = member.name.string {
      for (regexp, pattern) in rules.patterns {
        guard let isFound = spend({ regexp.isFound(in: name, steps: &$0) }) else { return false }
        guard isFound else { continue }
        isEvaluated = true
        if !accepts(pattern, member.value) { isAccepted = false }
      }
    }
    if !isEvaluated, let additional = rules.additional {
      isEvaluated = true
      if !acceptsUndeclared(member, additional, node, "additionalProperties") {
        isAccepted = false
      }
    }
    if isEvaluated, parts >= 0 { evaluations[parts].insert(count) }
    if let nameNode = rules.nameNode, !accepts(name: member.name, nameNode, node) {
      isAccepted = false
    }
    return isAccepted
  }

  /// A member that no name and no pattern matches. The path ends with it.
  private mutating func acceptsUndeclared(
    _ member: JSON.Member, _ child: Int, _ node: SchemaNode, _ keyword: String
  ) -> Bool {
    guard schema.nodes[child].allowsNothing else { return accepts(child, member.value) }
    guard isReporting else { return false }
    let names = declaredNames(of: node)
    let similar = suggestion(for: member.name, among: names)
    let term = term
    return report(
      node, keyword,
      names.isEmpty && node.objects?.patterns.isEmpty != false
        ? "unknown \(term); no \(term)s are accepted" : "unknown \(term)",
      didYouMean: similar, isUnknown: true)
  }

  /// The names that a schema and the schemas in place mention, for suggestions.
  private mutating func declaredNames(of node: SchemaNode) -> [String] {
    var names: [String] = []
    var (pending, seen): ([SchemaNode], Set<Int>) = ([node], [])
    while let next = pending.popLast(), names.count < SchemaLimits.suggestions,
      spend(1)
    {
      names += next.objects?.declaredNames ?? []
      for child in next.inPlace?.nodes ?? [] where seen.insert(child).inserted {
        pending.append(schema.nodes[child])
      }
    }
    return Array(names.prefix(SchemaLimits.suggestions))
  }

  private mutating func accepts(name: JSON, _ nameNode: Int, _ node: SchemaNode) -> Bool {
    if matches(nameNode, name) { return true }
    guard isReporting else { return false }
    let reason = faults(nameNode, name).first?.message ?? "is not allowed"
    return report(node, "propertyNames", "invalid name: \(reason)")
  }

  /// `required` and `dependentRequired`.
  private mutating func acceptsAbsence(
    _ given: NameMarks, _ rules: ObjectRules, _ node: SchemaNode
  ) -> Bool {
    var isAccepted = true
    for position in rules.required where !given.contains(position) {
      guard isReporting else { return false }
      isAccepted = report(
        node, "required", "is required", at: .name(rules.names.texts[position]), isMissing: true)
    }
    for (trigger, required) in rules.dependentRequired where given.contains(trigger) {
      for position in required where !given.contains(position) {
        guard isReporting else { return false }
        isAccepted = report(
          node, "dependentRequired", "is required with \(rules.names.texts[trigger])",
          at: .name(rules.names.texts[position]), isMissing: true)
      }
    }
    return isAccepted
  }

  /// `unevaluatedProperties` and `unevaluatedItems`.
  mutating func acceptsUnevaluated(_ value: JSON, _ node: SchemaNode, _ parts: Int) -> Bool {
    if value.kind == .array { return acceptsUnevaluated(elements: value, node, parts) }
    guard let child = node.objects?.unevaluated else { return true }
    var isAccepted = true
    for (position, member) in value.members.enumerated()
    where !evaluations[parts].contains(position) {
      if isReporting { path.append(.member(member.name)) }
      let isFine = acceptsUndeclared(member, child, node, "unevaluatedProperties")
      if isReporting { path.removeLast() }
      guard isFine || isReporting else { return false }
      isAccepted = isAccepted && isFine
    }
    evaluations[parts].insertAll()
    return isAccepted
  }
}

/// Which names of a table a value has.
private struct NameMarks {
  private var first: UInt64 = 0
  /// For the names after the first 64.
  private var others: [Bool]

  init(count: Int) { others = count > 64 ? Array(repeating: false, count: count - 64) : [] }

  mutating func insert(_ position: Int) {
    if position < 64 { first |= 1 << UInt64(position) } else { others[position - 64] = true }
  }

  func contains(_ position: Int) -> Bool {
    position < 64 ? first >> UInt64(position) & 1 == 1 : others[position - 64]
  }
}
