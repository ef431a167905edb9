import Basics
import JSON

/// The argument of `type`.
struct TypeSet: OptionSet, Sendable {
  let rawValue: UInt8

  static let null = TypeSet(rawValue: 1)
  static let boolean = TypeSet(rawValue: 2)
  static let integer = TypeSet(rawValue: 4)
  static let number = TypeSet(rawValue: 8)
  static let string = TypeSet(rawValue: 16)
  static let array = TypeSet(rawValue: 32)
  static let object = TypeSet(rawValue: 64)

  private static let all: [(name: String, type: TypeSet, phrase: String)] = [
    ("string", .string, "a string"), ("integer", .integer, "an integer"),
    ("number", .number, "a number"), ("boolean", .boolean, "true or false"),
    ("array", .array, "an array"), ("object", .object, "an object"), ("null", .null, "null"),
  ]

  static let names = all.map(\.name).joined(separator: ", ")

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init?(named json: JSON) {
    guard let found = Self.all.first(where: { json.equals($0.name) }) else { return nil }
    self = found.type
  }

  @inline(__always)
  func contains(typeOf value: JSON) -> Bool {
    switch value.kind {
    case .null: contains(.null)
    case .false, .true: contains(.boolean)
    case .number:
      contains(.number)
        || (contains(.integer) && (value.integer != nil || DecimalNumber(value).isInteger))
    case .string: contains(.string)
    case .array: contains(.array)
    case .object: contains(.object)
    }
  }

  /// "a string, an integer or null"
  ///
  /// - Parameter range: the bounds of a number, with a space before them.
  func phrase(range: String) -> String {
    var phrases: [String] = []
    for (_, type, phrase) in Self.all where contains(type) {
      if type == .integer, contains(.number) { continue }
      phrases.append(type == .integer || type == .number ? phrase + range : phrase)
    }
    guard let last = phrases.popLast() else { return "nothing" }
    return phrases.isEmpty ? last : phrases.joined(separator: ", ") + " or " + last
  }
}
