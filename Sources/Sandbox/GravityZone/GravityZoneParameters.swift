import Basics
import JSON

/// The parameters of a call, or a nested object. Strict: unknown parameters, nulls and wrong types
/// are rejected by name.
struct GravityZoneParameters {
  private let json: JSON
  /// The prefix of names in errors, such as `filters.`.
  private let prefix: String

  init(_ json: JSON, prefix: String = "", only names: [String]) throws(GravityZoneError) {
    self.json = json
    self.prefix = prefix
    for member in json.members {
      let name = member.name.string ?? ""
      guard names.contains(name), !member.value.isNull else { throw .invalid(prefix + name) }
    }
  }

  private func required<Value>(_ name: String, _ value: Value?) throws(GravityZoneError) -> Value {
    guard let value else { throw .invalid(prefix + name) }
    return value
  }

  private func optional<Value>(
    _ name: String, _ read: (JSON) -> Value?
  ) throws(GravityZoneError) -> Value? {
    guard let value = json[name] else { return nil }
    return try required(name, read(value))
  }

  func has(_ name: String) -> Bool { json[name] != nil }

  // MARK: Scalars

  func optionalText(_ name: String) throws(GravityZoneError) -> String? {
    try optional(name) { $0.string }
  }

  /// Not empty.
  func text(_ name: String) throws(GravityZoneError) -> String {
    let text = try required(name, optionalText(name))
    return try required(name, text.isEmpty ? nil : text)
  }

  func flag(_ name: String) throws(GravityZoneError) -> Bool? {
    try optional(name) { $0.bool }
  }

  func optionalInteger(
    _ name: String, in range: ClosedRange<Int>
  ) throws(GravityZoneError) -> Int? {
    try optional(name) { json in
      json.integer.flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(GravityZoneError) -> Int {
    try required(name, optionalInteger(name, in: range))
  }

  func optionalID(_ name: String) throws(GravityZoneError) -> String? {
    try optional(name) { $0.string.flatMap { GravityZoneID.isValid($0) ? $0 : nil } }
  }

  func id(_ name: String) throws(GravityZoneError) -> String {
    try required(name, optionalID(name))
  }

  // MARK: Lists and objects

  /// At least one.
  func texts(_ name: String, maximum: Int) throws(GravityZoneError) -> [String] {
    let texts = try required(
      name,
      optional(name) { json -> [String]? in
        guard json.kind == .array, (1...maximum).contains(json.count) else { return nil }
        let texts = json.elements.compactMap(\.string)
        return texts.count == json.count ? texts : nil
      })
    guard texts.allSatisfy({ !$0.isEmpty }) else { throw .invalid(prefix + name) }
    return texts
  }

  /// At least one, without duplicates.
  func ids(_ name: String, maximum: Int) throws(GravityZoneError) -> [String] {
    let ids = try texts(name, maximum: maximum)
    guard ids.allSatisfy(GravityZoneID.isValid) else { throw .invalid(prefix + name) }
    var seen = Set<String>()
    return ids.filter { seen.insert($0).inserted }
  }

  /// An empty object if absent.
  func object(
    _ name: String, only names: [String]
  ) throws(GravityZoneError) -> GravityZoneParameters {
    let json = try optional(name) { $0.kind == .object ? $0 : nil }
    return try GravityZoneParameters(
      json ?? JSONFragment { $0.object { _ in } }.json, prefix: prefix + name + ".", only: names)
  }

  /// At least one.
  func objects(_ name: String) throws(GravityZoneError) -> [JSON] {
    try required(
      name,
      optional(name) { json -> [JSON]? in
        guard json.kind == .array, json.count > 0 else { return nil }
        return json.elements.allSatisfy { $0.kind == .object } ? Array(json.elements) : nil
      })
  }

  func page(maximum: Int = 100) throws(GravityZoneError) -> GravityZonePage {
    GravityZonePage(
      number: try optionalInteger("page", in: 1...Int.max) ?? 1,
      size: try optionalInteger("perPage", in: 1...maximum) ?? 30)
  }
}
