import Basics
import JSON
import Regexp

/// Compiles a schema: collects its subschemas, then translates each into a node.
struct SchemaCompiler {
  private var index: SchemaIndex
  private var nodes: [SchemaNode] = []
  /// The nodes by offset of their subschema.
  private var positions: [Int: Int] = [:]
  private var pending: [SchemaIndex.Place] = []
  private var faults: [PlacedFault] = []
  private var usesDynamicScope = false
  private var patternSize = 0

  static func compile(_ schema: JSON) throws(SchemaFaults) -> CompiledSchema {
    guard schema.withSource(\.count) <= SchemaLimits.bytes else {
      throw SchemaFaults(list: [
        SchemaFault(
          schemaPath: "", message: "is too large; limit: \(SchemaLimits.bytes) bytes")
      ])
    }
    var compiler = SchemaCompiler(index: SchemaIndex(schema))
    return try compiler.run(schema)
  }

  private init(index: SchemaIndex) { self.index = index }

  private mutating func run(_ schema: JSON) throws(SchemaFaults) -> CompiledSchema {
    guard !index.isTooLarge else { throw Self.faults(index.faults) }
    _ = node(of: schema)
    for place in index.places.values.sorted(by: { $0.json.offset < $1.json.offset }) {
      _ = node(of: place.json)
    }
    while nodes.count < pending.count {
      nodes.append(translate(pending[nodes.count]))
    }
    let all = faults + index.faults
    guard all.isEmpty else { throw Self.faults(all) }
    let cycles = ReferenceOrder.faults(of: nodes)
    guard cycles.isEmpty else { throw SchemaFaults(list: cycles) }
    return CompiledSchema(
      nodes: nodes,
      dynamicAnchors: index.resources.map { resource in
        resource.dynamicAnchors.compactMapValues { positions[$0] }
      }, usesDynamicScope: usesDynamicScope)
  }

  private static func faults(_ placed: [PlacedFault]) -> SchemaFaults {
    // Sorting is stable, so faults of one place keep their order.
    let sorted = placed.sorted { $0.offset < $1.offset }.prefix(SchemaLimits.faults)
    return SchemaFaults(list: sorted.map(\.fault))
  }

  /// The position of a subschema's node, which is translated later.
  private mutating func node(of json: JSON) -> Int? {
    guard let place = index.places[json.offset] else { return nil }
    if let known = positions[json.offset] { return known }
    positions[json.offset] = pending.count
    pending.append(place)
    return pending.count - 1
  }

  private mutating func translate(_ place: SchemaIndex.Place) -> SchemaNode {
    let json = place.json
    guard json.kind == .object else {
      if json.bool == nil {
        let hint =
          json.kind == .array && place.pointer.endsWith("items")
          ? "; an array of schemas is prefixItems" : ""
        faults.append(
          PlacedFault(json, place.pointer, "must be an object, true or false\(hint)"))
      }
      return SchemaNode(
        pointer: place.pointer, resource: place.resource, allowsNothing: json.bool == false)
    }
    var reader = KeywordReader(json, pointer: place.pointer)
    let node = SchemaNode(
      pointer: place.pointer, resource: place.resource, types: reader.types("type"),
      values: reader.values("enum"), constant: reader.values("const", isConstant: true),
      numbers: numbers(&reader), strings: strings(&reader), arrays: arrays(&reader),
      objects: objects(&reader), inPlace: inPlace(&reader, in: place.resource))
    for keyword in ["$defs", "definitions"] { _ = schemas(keyword, &reader) }
    reader.checkAnnotations()
    faults += reader.faults.prefix(max(0, PlacedFault.maximumCount - faults.count))
    return node
  }

  // MARK: Subschemas

  private mutating func schema(_ keyword: String, _ reader: inout KeywordReader) -> Int? {
    reader.argument(keyword).flatMap { node(of: $0) }
  }

  private mutating func list(_ keyword: String, _ reader: inout KeywordReader) -> [Int] {
    guard let argument = reader.argument(keyword) else { return [] }
    guard argument.kind == .array, argument.count > 0 else {
      reader.refuse(keyword, "must be an array of schemas that is not empty")
      return []
    }
    return argument.elements.compactMap { node(of: $0) }
  }

  private mutating func schemas(
    _ keyword: String, _ reader: inout KeywordReader
  ) -> [(name: String, node: Int)] {
    guard let argument = reader.argument(keyword) else { return [] }
    guard argument.kind == .object else {
      reader.refuse(keyword, "must be an object of schemas")
      return []
    }
    return argument.members.compactMap { member in
      guard let name = member.name.string, let node = node(of: member.value) else { return nil }
      return (name, node)
    }
  }

  // MARK: Rules

  private func numbers(_ reader: inout KeywordReader) -> NumberRules? {
    let rules = NumberRules(
      minimum: reader.bound("minimum"), exclusiveMinimum: reader.bound("exclusiveMinimum"),
      maximum: reader.bound("maximum"), exclusiveMaximum: reader.bound("exclusiveMaximum"),
      divisor: reader.divisor("multipleOf"))
    return rules.rangeText.isEmpty && rules.divisor == nil ? nil : rules
  }

  private mutating func strings(_ reader: inout KeywordReader) -> StringRules? {
    let least = reader.count("minLength")
    let most = reader.count("maxLength")
    var pattern: StringRules.Pattern?
    if let text = reader.text("pattern"), let regexp = regexp(text, "pattern", &reader) {
      pattern = .init(text: text, regexp: regexp)
    }
    return least == nil && most == nil && pattern == nil
      ? nil : StringRules(least: least, most: most, pattern: pattern)
  }

  private mutating func regexp(
    _ text: String, _ keyword: String, at child: String? = nil, _ reader: inout KeywordReader
  ) -> Regexp? {
    // Reported once. The other patterns are not compiled, as they would take long.
    guard patternSize <= SchemaLimits.patternSize else { return nil }
    do {
      let regexp = try Regexp(text, .ecmaSubset)
      patternSize += regexp.size
      guard patternSize > SchemaLimits.patternSize else { return regexp }
      reader.refuse(
        keyword, "all patterns are too large; limit: \(SchemaLimits.patternSize) steps", at: child)
    } catch {
      if error.kind == .tooLarge { patternSize += Regexp.maximumInstructions }
      let problem = error.kind == .unsupported ? "unsupported" : "invalid"
      reader.refuse(keyword, "\(problem) pattern: it \(error.reason)", at: child)
    }
    return nil
  }

  private mutating func arrays(_ reader: inout KeywordReader) -> ArrayRules? {
    let contains = schema("contains", &reader)
    let (leastContained, mostContained) = (
      reader.count("minContains"), reader.count("maxContains")
    )
    let rules = ArrayRules(
      least: reader.count("minItems"), most: reader.count("maxItems"),
      isUnique: reader.flag("uniqueItems"), prefix: list("prefixItems", &reader),
      items: schema("items", &reader),
      contains: contains.map { .init(node: $0, least: leastContained ?? 1, most: mostContained) },
      unevaluated: schema("unevaluatedItems", &reader))
    let isEmpty =
      rules.least == nil && rules.most == nil && !rules.isUnique && rules.prefix.isEmpty
      && rules.items == nil && contains == nil && rules.unevaluated == nil
    return isEmpty ? nil : rules
  }

  private mutating func objects(_ reader: inout KeywordReader) -> ObjectRules? {
    var builder = ObjectRulesBuilder()
    for (name, node) in schemas("properties", &reader) { builder.addProperty(name, node) }
    for name in reader.names("required") { builder.addRequired(name) }
    if let argument = reader.argument("dependentRequired") {
      if argument.kind != .object { reader.refuse("dependentRequired", "must be an object") }
      for member in argument.members {
        builder.addDependency(
          member.name.string ?? "", on: reader.names("dependentRequired", of: member))
      }
    }
    for (name, node) in schemas("dependentSchemas", &reader) { builder.addDependency(name, node) }
    for (text, node) in schemas("patternProperties", &reader) {
      if let regexp = regexp(text, "patternProperties", at: text, &reader) {
        builder.patterns.append((regexp, node))
      }
    }
    builder.least = reader.count("minProperties")
    builder.most = reader.count("maxProperties")
    builder.additional = schema("additionalProperties", &reader)
    builder.nameNode = schema("propertyNames", &reader)
    builder.unevaluated = schema("unevaluatedProperties", &reader)
    return builder.rules
  }

  private mutating func inPlace(
    _ reader: inout KeywordReader, in resource: Int
  ) -> InPlaceRules? {
    let reference = target("$ref", &reader, in: resource)?.node
    let dynamic = target("$dynamicRef", &reader, in: resource)
    if dynamic?.anchor != nil { usesDynamicScope = true }
    let test = schema("if", &reader)
    let (then, otherwise) = (schema("then", &reader), schema("else", &reader))
    let rules = InPlaceRules(
      reference: reference,
      dynamicReference: dynamic.map { .init(initial: $0.node, anchor: $0.anchor) },
      all: list("allOf", &reader), any: list("anyOf", &reader), one: list("oneOf", &reader),
      not: schema("not", &reader),
      condition: test.map { .init(test: $0, then: then, otherwise: otherwise) })
    return rules.nodes.isEmpty && rules.dynamicReference == nil ? nil : rules
  }

  private mutating func target(
    _ keyword: String, _ reader: inout KeywordReader, in resource: Int
  ) -> (node: Int, anchor: String?)? {
    guard let text = reader.text(keyword) else { return nil }
    switch index.target(of: text, in: resource) {
    case .failed(let reason):
      reader.refuse(keyword, reason)
      return nil
    case .found(let place, let anchor):
      return node(of: place.json).map { ($0, anchor) }
    }
  }
}
