import Basics
import JSON
import Regexp

/// Reads the arguments of the keywords of one subschema, and collects what is wrong with them.
struct KeywordReader {
  private var arguments: [String: JSON] = [:]
  private let pointer: SchemaPointer
  private(set) var faults: [PlacedFault] = []

  init(_ json: JSON, pointer: SchemaPointer) {
    self.pointer = pointer
    for member in json.members {
      if let name = member.name.string { arguments[name] = member.value }
    }
  }

  func argument(_ keyword: String) -> JSON? { arguments[keyword] }

  mutating func refuse(_ keyword: String, _ message: String, at child: String? = nil) {
    guard let json = arguments[keyword], faults.count < PlacedFault.maximumCount else { return }
    let place = pointer.child(keyword)
    faults.append(PlacedFault(json, child.map { place.child($0) } ?? place, message))
  }

  // MARK: Values

  mutating func count(_ keyword: String) -> Int? {
    guard let json = arguments[keyword] else { return nil }
    guard json.kind == .number else {
      refuse(keyword, "must be an integer of 0 or more")
      return nil
    }
    if let value = json.integer, value >= 0 { return Int(value) }
    let decimal = DecimalNumber(json)
    guard decimal.isInteger, !decimal.isNegative else {
      refuse(keyword, "must be an integer of 0 or more")
      return nil
    }
    return .max
  }

  mutating func bound(_ keyword: String) -> NumberBound? {
    guard let json = arguments[keyword] else { return nil }
    guard json.kind == .number else {
      refuse(keyword, "must be a number")
      return nil
    }
    return NumberBound(json)
  }

  mutating func divisor(_ keyword: String) -> Divisor? {
    guard let json = arguments[keyword] else { return nil }
    guard json.kind == .number, let divisor = Divisor(json) else {
      refuse(
        keyword,
        "must be a number greater than 0 with at most \(SchemaLimits.divisorDigits) digits")
      return nil
    }
    return divisor
  }

  mutating func flag(_ keyword: String) -> Bool {
    guard let json = arguments[keyword] else { return false }
    if json.bool == nil { refuse(keyword, "must be true or false") }
    return json.bool ?? false
  }

  mutating func text(_ keyword: String) -> String? {
    guard let json = arguments[keyword] else { return nil }
    if json.kind != .string { refuse(keyword, "must be a string") }
    return json.string
  }

  mutating func types(_ keyword: String) -> TypeSet? {
    guard let json = arguments[keyword] else { return nil }
    let names = json.kind == .array ? Array(json.elements) : [json]
    var types = TypeSet()
    for name in names {
      guard let type = TypeSet(named: name), !types.contains(type) else {
        refuse(keyword, "must be one of: \(TypeSet.names), or an array of distinct ones")
        return nil
      }
      types.insert(type)
    }
    guard !names.isEmpty else {
      refuse(keyword, "must not be empty")
      return nil
    }
    return types
  }

  /// - Parameter isConstant: the argument is one value instead of an array of them.
  mutating func values(_ keyword: String, isConstant: Bool = false) -> AllowedValues? {
    guard let json = arguments[keyword] else { return nil }
    guard isConstant || json.kind == .array else {
      refuse(keyword, "must be an array")
      return nil
    }
    guard let values = AllowedValues(isConstant ? [json] : Array(json.elements)) else {
      refuse(keyword, "is nested too deeply; limit: \(SchemaLimits.depth) levels")
      return nil
    }
    return values
  }

  /// Distinct names: of the keyword, or of a member of its argument.
  mutating func names(_ keyword: String, of member: JSON.Member? = nil) -> [String] {
    guard let json = member?.value ?? arguments[keyword] else { return [] }
    let names = json.elements.compactMap(\.string)
    let distinct = Set(names.map { Array($0.utf8) }).count
    if json.kind != .array || names.count != json.count || distinct != names.count {
      refuse(
        keyword, "must be an array of distinct strings",
        at: member?.name.string)
    }
    return names
  }

  // MARK: Annotations

  private static let texts = [
    "title", "description", "format", "contentEncoding", "contentMediaType", "$comment", "$schema",
  ]
  private static let flags = ["deprecated", "readOnly", "writeOnly"]

  /// Checks the keywords that only describe. `format` is one of them: its assertion is optional in
  /// JSON Schema, and not supported.
  mutating func checkAnnotations() {
    for keyword in Self.texts { _ = text(keyword) }
    for keyword in Self.flags { _ = flag(keyword) }
    if let examples = arguments["examples"], examples.kind != .array {
      refuse("examples", "must be an array")
    }
    if let vocabulary = arguments["$vocabulary"], vocabulary.kind != .object {
      refuse("$vocabulary", "must be an object")
    }
  }
}
