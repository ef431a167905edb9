import Basics
import JSON
import Regexp

/// One compiled subschema. Others are named by their position in `CompiledSchema.nodes`, because
/// references may lead back.
final class SchemaNode: Sendable {
  let pointer: SchemaPointer
  /// The position of its resource, the part of the document that one `$id` names.
  let resource: Int
  /// The boolean schema `false`.
  let allowsNothing: Bool
  let types: TypeSet?
  let values: AllowedValues?
  let constant: AllowedValues?
  let numbers: NumberRules?
  let strings: StringRules?
  let arrays: ArrayRules?
  let objects: ObjectRules?
  /// Nil if no other subschema applies to the same value.
  let inPlace: InPlaceRules?

  init(
    pointer: SchemaPointer, resource: Int, allowsNothing: Bool = false, types: TypeSet? = nil,
    values: AllowedValues? = nil, constant: AllowedValues? = nil, numbers: NumberRules? = nil,
    strings: StringRules? = nil, arrays: ArrayRules? = nil, objects: ObjectRules? = nil,
    inPlace: InPlaceRules? = nil
  ) {
    self.pointer = pointer
    self.resource = resource
    self.allowsNothing = allowsNothing
    self.types = types
    self.values = values
    self.constant = constant
    self.numbers = numbers
    self.strings = strings
    self.arrays = arrays
    self.objects = objects
    self.inPlace = inPlace
  }
}

final class NumberRules: Sendable {
  let minimum: NumberBound?
  let exclusiveMinimum: NumberBound?
  let maximum: NumberBound?
  let exclusiveMaximum: NumberBound?
  let divisor: Divisor?

  init(
    minimum: NumberBound?, exclusiveMinimum: NumberBound?, maximum: NumberBound?,
    exclusiveMaximum: NumberBound?, divisor: Divisor?
  ) {
    self.minimum = minimum
    self.exclusiveMinimum = exclusiveMinimum
    self.maximum = maximum
    self.exclusiveMaximum = exclusiveMaximum
    self.divisor = divisor
  }

  /// " from 1 to 100", " of 1 or more"; empty without bounds.
  var rangeText: String {
    if let minimum, let maximum, exclusiveMinimum == nil, exclusiveMaximum == nil {
      return " from \(minimum.text) to \(maximum.text)"
    }
    let parts = [
      minimum.map { "of \($0.text) or more" }, exclusiveMinimum.map { "greater than \($0.text)" },
      maximum.map { "of \($0.text) or less" }, exclusiveMaximum.map { "less than \($0.text)" },
    ].compactMap { $0 }
    return parts.isEmpty ? "" : " " + parts.joined(separator: " and ")
  }
}

/// A bound of a number.
struct NumberBound: Sendable {
  let text: String
  private let integer: Int64?
  private let decimal: DecimalNumber

  init(_ json: JSON) {
    text = json.shortText
    integer = json.integer
    decimal = DecimalNumber(json)
  }

  func isLess(than value: JSON) -> Bool {
    if let integer, let value = value.integer { return integer < value }
    return decimal < DecimalNumber(value)
  }

  func isGreater(than value: JSON) -> Bool {
    if let integer, let value = value.integer { return integer > value }
    return DecimalNumber(value) < decimal
  }
}

final class StringRules: Sendable {
  let least: Int?
  let most: Int?
  let pattern: Pattern?

  struct Pattern: Sendable {
    let text: String
    let regexp: Regexp
  }

  init(least: Int?, most: Int?, pattern: Pattern?) {
    self.least = least
    self.most = most
    self.pattern = pattern
  }
}

final class ArrayRules: Sendable {
  let least: Int?
  let most: Int?
  let isUnique: Bool
  let prefix: [Int]
  let items: Int?
  let contains: Contains?
  let unevaluated: Int?

  struct Contains: Sendable {
    let node: Int
    let least: Int
    let most: Int?
  }

  init(
    least: Int?, most: Int?, isUnique: Bool, prefix: [Int], items: Int?, contains: Contains?,
    unevaluated: Int?
  ) {
    self.least = least
    self.most = most
    self.isUnique = isUnique
    self.prefix = prefix
    self.items = items
    self.contains = contains
    self.unevaluated = unevaluated
  }
}

final class ObjectRules: Sendable {
  let least: Int?
  let most: Int?
  /// All names that keywords mention.
  let names: NameTable
  /// The node of `properties` by position of the name; -1 if there is none.
  let properties: [Int]
  /// Positions of names.
  let required: [Int]
  let dependentRequired: [(trigger: Int, required: [Int])]
  let dependentSchemas: [(trigger: Int, node: Int)]
  let patterns: [(regexp: Regexp, node: Int)]
  let additional: Int?
  let nameNode: Int?
  let unevaluated: Int?

  init(
    least: Int?, most: Int?, names: NameTable, properties: [Int], required: [Int],
    dependentRequired: [(trigger: Int, required: [Int])],
    dependentSchemas: [(trigger: Int, node: Int)], patterns: [(regexp: Regexp, node: Int)],
    additional: Int?, nameNode: Int?, unevaluated: Int?
  ) {
    self.least = least
    self.most = most
    self.names = names
    self.properties = properties
    self.required = required
    self.dependentRequired = dependentRequired
    self.dependentSchemas = dependentSchemas
    self.patterns = patterns
    self.additional = additional
    self.nameNode = nameNode
    self.unevaluated = unevaluated
  }

  /// The names of `properties`.
  var declaredNames: [String] {
    zip(names.texts, properties).filter { $0.1 >= 0 }.map(\.0)
  }
}

/// The subschemas that apply to the same value.
final class InPlaceRules: Sendable {
  let reference: Int?
  let dynamicReference: DynamicReference?
  let all: [Int]
  let any: [Int]
  let one: [Int]
  let not: Int?
  let condition: Condition?

  struct DynamicReference: Sendable {
    let initial: Int
    /// The anchor to look for in the dynamic scope; nil if it is an ordinary reference.
    let anchor: String?
  }

  struct Condition: Sendable {
    let test: Int
    let then: Int?
    let otherwise: Int?
  }

  init(
    reference: Int?, dynamicReference: DynamicReference?, all: [Int], any: [Int], one: [Int],
    not: Int?, condition: Condition?
  ) {
    self.reference = reference
    self.dynamicReference = dynamicReference
    self.all = all
    self.any = any
    self.one = one
    self.not = not
    self.condition = condition
  }

  /// All of them, except the targets of dynamic references.
  var nodes: [Int] {
    [reference, not, condition?.test, condition?.then, condition?.otherwise].compactMap { $0 }
      + all + any + one
  }
}

/// A compiled schema. The root is the node at 0.
struct CompiledSchema: Sendable {
  let nodes: [SchemaNode]
  /// By resource: the nodes of `$dynamicAnchor`.
  let dynamicAnchors: [[String: Int]]
  /// Whether a `$dynamicRef` depends on the resources that were entered.
  let usesDynamicScope: Bool
}
