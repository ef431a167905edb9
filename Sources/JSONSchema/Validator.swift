import Basics
import JSON

/// Checks one value.
///
/// One set of functions serves two runs. The first only decides: it stops at the first fault and
/// allocates nothing for most schemas. The second reports: it continues, and collects faults with
/// their paths.
struct Validator {
  let schema: CompiledSchema
  let term: StaticString
  var isReporting = false
  var faults: [SchemaFault] = []
  /// The place in the value, while reporting.
  var path: [PathStep] = []
  /// What in-place subschemas have evaluated, for `unevaluatedProperties` and `unevaluatedItems`.
  var evaluations: [EvaluatedParts] = []
  /// A limit that the run exceeded. Its result has no meaning then.
  private(set) var exceeded: Limit?
  private(set) var depth = 0
  private var steps: Int
  private let maximumSteps: Int
  /// The work of a fault with its path and its message, and of comparing two names.
  private static let (reportSteps, candidateSteps) = (64, 4_000)
  /// The resources that were entered, outermost first.
  private var scopes: [Int] = []

  init(_ schema: CompiledSchema, term: StaticString, steps: Int) {
    self.schema = schema
    self.term = term
    self.steps = steps
    maximumSteps = steps
  }

  // MARK: Limits

  /// False if the run must stop.
  @inline(__always)
  mutating func spend(_ count: Int) -> Bool {
    steps -= count
    if steps >= 0 { return exceeded == nil }
    exceedSteps()
    return false
  }

  /// Runs work that counts its own steps.
  mutating func spend<Result>(_ work: (inout Int) -> Result) -> Result {
    let result = work(&steps)
    if steps < 0 { exceedSteps() }
    return result
  }

  private mutating func exceedSteps() { exceeded = exceeded ?? .steps }

  mutating func exceedDepth() { exceeded = exceeded ?? .depth }

  enum Limit { case steps, depth }

  /// The fault for the limit that was exceeded.
  var limitFault: SchemaFault? {
    switch exceeded {
    case nil: nil
    case .steps:
      SchemaFault(
        schemaPath: "",
        message: "cannot be checked: the schema needs more than \(maximumSteps) steps")
    case .depth:
      SchemaFault(
        schemaPath: "",
        message: "is nested too deeply for the schema; limit: \(SchemaLimits.depth) levels")
    }
  }

  // MARK: Subschemas

  /// Whether a subschema accepts a value.
  ///
  /// - Parameter parts: the position of the evaluations of the same value; -1 if nothing needs them.
  mutating func accepts(_ position: Int, _ value: JSON, _ parts: Int = -1) -> Bool {
    guard spend(value.kind == .number || value.kind == .string ? 1 + value.size / 64 : 1) else {
      return false
    }
    if isReporting, faults.count >= SchemaLimits.faults { return false }
    guard depth < SchemaLimits.depth else {
      exceedDepth()
      return false
    }
    depth += 1
    defer { depth -= 1 }
    let node = schema.nodes[position]
    guard schema.usesDynamicScope, scopes.last != node.resource else {
      return evaluate(node, value, parts)
    }
    scopes.append(node.resource)
    defer { scopes.removeLast() }
    return evaluate(node, value, parts)
  }

  private mutating func evaluate(_ node: SchemaNode, _ value: JSON, _ outer: Int) -> Bool {
    if node.allowsNothing { return report(node, nil, "is not allowed") }
    guard acceptsValue(node, value) else { return false }
    var parts = outer
    if node.needsParts(for: value) {
      evaluations.append(EvaluatedParts())
      parts = evaluations.count - 1
    }
    var isAccepted = true
    switch value.kind {
    case .number:
      if let rules = node.numbers { isAccepted = accepts(number: value, rules, node) }
    case .string:
      if let rules = node.strings { isAccepted = accepts(string: value, rules, node) }
    case .array:
      if let rules = node.arrays { isAccepted = accepts(array: value, rules, node, parts) }
    case .object:
      if let rules = node.objects { isAccepted = accepts(object: value, rules, node, parts) }
    case .null, .false, .true: break
    }
    if isAccepted || isReporting, let rules = node.inPlace {
      if !accepts(value, rules, node, parts) { isAccepted = false }
    }
    guard parts != outer else { return isAccepted }
    if isAccepted || isReporting, !acceptsUnevaluated(value, node, parts) { isAccepted = false }
    let own = evaluations.removeLast()
    if isAccepted, outer >= 0 { evaluations[outer].formUnion(own) }
    return isAccepted
  }

  /// `enum`, `const` and `type`. One of them is enough to say what is wrong.
  private mutating func acceptsValue(_ node: SchemaNode, _ value: JSON) -> Bool {
    if let values = node.values, !contains(values, value) {
      let similar = isReporting ? suggestion(for: value, among: values.names) : nil
      return report(node, "enum", values.message, didYouMean: similar)
    }
    if let constant = node.constant, !contains(constant, value) {
      return report(node, "const", constant.message)
    }
    guard let types = node.types, !types.contains(typeOf: value) else { return true }
    return report(
      node, "type", "must be \(types.phrase(range: node.numbers?.rangeText ?? ""))")
  }

  private mutating func contains(_ values: AllowedValues, _ value: JSON) -> Bool {
    if value.kind == .array || value.kind == .object {
      guard spend(value.size / 8) else { return false }
    }
    return values.contains(value)
  }

  /// The node that a dynamic reference leads to from here.
  func target(of reference: InPlaceRules.DynamicReference) -> Int {
    guard let anchor = reference.anchor else { return reference.initial }
    for scope in scopes {
      if let node = schema.dynamicAnchors[scope][anchor] { return node }
    }
    return reference.initial
  }

  // MARK: Faults

  /// Adds a fault at the current place, if the run reports. Always false.
  ///
  /// - Parameter member: a member whose name ends the path.
  mutating func report(
    _ node: SchemaNode, _ keyword: String?, _ message: @autoclosure () -> String,
    at member: PathStep? = nil, didYouMean: String? = nil,
    isMissing: Bool = false, isUnknown: Bool = false
  ) -> Bool {
    guard isReporting, faults.count < SchemaLimits.faults, spend(Self.reportSteps) else {
      return false
    }
    let keyword = keyword.map { node.pointer.child($0) } ?? node.pointer
    faults.append(
      SchemaFault(
        path: PathStep.pointer(member.map { path + [$0] } ?? path),
        schemaPath: keyword.text, message: message(),
        didYouMean: didYouMean, isMissing: isMissing, isUnknown: isUnknown))
    return false
  }

  /// The name that a text most likely means. Nil if it is long, or if the steps are not enough.
  mutating func suggestion(for value: JSON, among names: [String]) -> String? {
    guard let word = value.string, word.utf8.count <= SchemaLimits.textBytes else { return nil }
    let candidates = names.prefix(SchemaLimits.suggestions)
    guard spend(candidates.count * Self.candidateSteps) else { return nil }
    return Suggestion.closest(to: word, among: candidates)
  }

  /// Whether a subschema accepts a value, without a report.
  mutating func matches(_ node: Int, _ value: JSON, _ parts: Int = -1) -> Bool {
    let wasReporting = isReporting
    isReporting = false
    defer { isReporting = wasReporting }
    return accepts(node, value, parts)
  }

  /// The faults of a value for one subschema, apart from the others.
  mutating func faults(_ node: Int, _ value: JSON) -> [SchemaFault] {
    let others = faults
    faults = []
    _ = accepts(node, value)
    defer { faults = others }
    return faults
  }
}

extension SchemaNode {
  /// Whether it must know what its subschemas have evaluated.
  @inline(__always)
  fileprivate func needsParts(for value: JSON) -> Bool {
    switch value.kind {
    case .object: objects?.unevaluated != nil
    case .array: arrays?.unevaluated != nil
    default: false
    }
  }
}

extension JSON {
  /// The length of the source text in bytes.
  var size: Int { withSource(\.count) }
}
