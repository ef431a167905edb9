import Regexp

/// Collects the names that the keywords of one subschema mention.
struct ObjectRulesBuilder {
  private var names: [String] = []
  private var positions: [[UInt8]: Int] = [:]
  private var properties: [Int] = []
  private var required: [Int] = []
  private var dependentRequired: [(trigger: Int, required: [Int])] = []
  private var dependentSchemas: [(trigger: Int, node: Int)] = []
  var patterns: [(regexp: Regexp, node: Int)] = []
  var least: Int?
  var most: Int?
  var additional: Int?
  var nameNode: Int?
  var unevaluated: Int?

  private mutating func position(_ name: String) -> Int {
    let key = Array(name.utf8)
    if let known = positions[key] { return known }
    positions[key] = names.count
    names.append(name)
    properties.append(-1)
    return names.count - 1
  }

  mutating func addProperty(_ name: String, _ node: Int) { properties[position(name)] = node }

  mutating func addRequired(_ name: String) { required.append(position(name)) }

  mutating func addDependency(_ name: String, on others: [String]) {
    dependentRequired.append((position(name), others.map { position($0) }))
  }

  mutating func addDependency(_ name: String, _ node: Int) {
    dependentSchemas.append((position(name), node))
  }

  /// Nil if nothing was added.
  var rules: ObjectRules? {
    let isEmpty =
      names.isEmpty && patterns.isEmpty && least == nil && most == nil && additional == nil
      && nameNode == nil && unevaluated == nil
    return isEmpty
      ? nil
      : ObjectRules(
        least: least, most: most, names: NameTable(names), properties: properties,
        required: required, dependentRequired: dependentRequired,
        dependentSchemas: dependentSchemas, patterns: patterns, additional: additional,
        nameNode: nameNode, unevaluated: unevaluated)
  }
}
