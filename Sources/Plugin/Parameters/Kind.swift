import Basics
import HTTP

/// What values a parameter takes: one rule for the schema and for the check.
public protocol Kind: Sendable {
  associatedtype Value: Sendable
  /// Stands in for a value that was not usable; never reaches a command that runs.
  var placeholder: Value { get }
  /// Of an object: its members.
  var members: ParameterShape? { get }
  /// A credential, which is never shown.
  var isSecret: Bool { get }
  /// Of several values: an empty list of them says as little as none.
  var isList: Bool { get }
  /// What a description does not have to say of each parameter of this kind; nil for nothing.
  var note: String? { get }

  /// Reads a value, which is not null; a fault's path starts at that value.
  func decode(_ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]) -> Value?
  /// Writes members of a JSON Schema (2020-12) object, such as `"type":"integer","minimum":1`.
  func writeSchema(to writer: inout JSONWriter)
  /// Writes a value as a caller would give it.
  func write(_ value: Value, to writer: inout JSONWriter)
}

extension Kind {
  public var members: ParameterShape? { nil }
  public var isSecret: Bool { false }
  public var isList: Bool { false }
  public var note: String? { nil }

  func fragment(_ value: Value) -> JSONFragment {
    JSONFragment { write(value, to: &$0) }
  }
}

// MARK: Scalars

public struct TextKind: Kind {
  let maximumCharacters: Int
  var mayBeEmpty = false
  public var placeholder: String { "" }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> String? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    guard mayBeEmpty || !text.isEmpty, text.unicodeScalars.count <= maximumCharacters else {
      faults.append(
        ParameterProblem(
          text.isEmpty ? "must not be empty" : "has more than \(maximumCharacters) characters"))
      return nil
    }
    return text
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    if !mayBeEmpty { writer.member("minLength", 1) }
    writer.member("maxLength", maximumCharacters)
  }

  public func write(_ value: String, to writer: inout JSONWriter) { writer.string(value) }
}

/// The root of a vendor's API (see `BaseURL` for what is accepted).
public struct ServerURLKind: Kind {
  public var placeholder: BaseURL? { nil }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> BaseURL?? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    do {
      return try BaseURL(text)
    } catch {
      faults.append(ParameterProblem(error.reason))
      return nil
    }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("format", "uri")
    writer.member("pattern", "^ *https?://")
  }

  public func write(_ value: BaseURL?, to writer: inout JSONWriter) {
    writer.string(value?.text ?? "")
  }
}

public struct IntegerKind: Kind {
  let range: ClosedRange<Int64>
  public var placeholder: Int64 { range.lowerBound }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Int64? {
    guard let value = json.integer, range.contains(value) else {
      faults.append(ParameterProblem("must be an integer \(rangeText)"))
      return nil
    }
    return value
  }

  private var rangeText: String {
    range.upperBound == .max
      ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "integer")
    writer.member("minimum", Int(range.lowerBound))
    if range.upperBound != .max { writer.member("maximum", Int(range.upperBound)) }
  }

  public func write(_ value: Int64, to writer: inout JSONWriter) { writer.integer(value) }
}

/// A vendor's whole-number id; a string of digits is taken too, since tools that pass ids on often
/// turn them into text.
public struct IdentifierKind: Kind {
  /// Eighteen digits: what schema and check can both say in numbers as well as in strings.
  private static let maximum: Int64 = 999_999_999_999_999_999
  public var placeholder: Int64 { 0 }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Int64? {
    if let value = json.integer, (0...Self.maximum).contains(value) { return value }
    if let text = json.string, (1...18).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text)
    {
      return value
    }
    faults.append(
      ParameterProblem("must be an integer of 0 or more and at most 18 digits, or a string of them")
    )
    return nil
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.name("type")
    writer.array {
      $0.string("integer")
      $0.string("string")
    }
    writer.member("minimum", 0)
    writer.member("maximum", Int(Self.maximum))
    writer.member("pattern", "^[0-9]{1,18}$")
  }

  public func write(_ value: Int64, to writer: inout JSONWriter) { writer.integer(value) }
}

public struct BooleanKind: Kind {
  public var placeholder: Bool { false }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Bool? {
    if json.bool == nil { faults.append(ParameterProblem("must be true or false")) }
    return json.bool
  }

  public func writeSchema(to writer: inout JSONWriter) { writer.member("type", "boolean") }
  public func write(_ value: Bool, to writer: inout JSONWriter) { writer.bool(value) }
}

/// A positive amount of seconds: from a millisecond to a year.
public struct NumberKind: Kind {
  private static let least = 0.001
  private static let most = 31_536_000.0

  public var placeholder: Double { 1 }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Double? {
    guard let value = json.double, value >= Self.least, value <= Self.most else {
      faults.append(ParameterProblem("must be a number from \(Self.least) to \(Int(Self.most))"))
      return nil
    }
    return value
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "number")
    writer.name("minimum")
    writer.double(Self.least)
    writer.member("maximum", Int(Self.most))
  }

  public func write(_ value: Double, to writer: inout JSONWriter) { writer.double(value) }
}

/// One of a closed list of names.
public protocol ParameterChoice: CaseIterable, RawRepresentable, Sendable where RawValue == String {
}

public struct ChoiceKind<Choice: ParameterChoice>: Kind {
  public var placeholder: Choice {
    guard let first = Choice.allCases.first else { preconditionFailure("a choice of nothing") }
    return first
  }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Choice? {
    for choice in Choice.allCases where json.equals(choice.rawValue) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    faults.append(
      ParameterProblem(
        "must be one of \(names.joined(separator: ", "))",
        didYouMean: json.string.flatMap { Suggestion.closest(to: $0, among: names) }))
    return nil
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.name("enum")
    writer.array { for choice in Choice.allCases { $0.string(choice.rawValue) } }
  }

  public func write(_ value: Choice, to writer: inout JSONWriter) {
    writer.string(value.rawValue)
  }
}

// MARK: Structures

/// An object with members of its own.
public struct ObjectKind<Object: ParameterObject>: Kind {
  public var members: ParameterShape? { ParameterShape(of: Object.self) }

  public var placeholder: Object {
    var reader = ParamReader(describing: Object.naming)
    return Object(&reader)
  }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Object? {
    guard let members else { preconditionFailure("an object without its shape") }
    do {
      return try members.decode(json) { Object(&$0) }
    } catch {
      faults += error.list
      return nil
    }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    ParameterShape(of: Object.self).writeSchemaMembers(to: &writer)
  }

  /// Examples of objects are written by hand; there is no way back from the value.
  public func write(_ value: Object, to writer: inout JSONWriter) { writer.object { _ in } }
}

/// Several values of one kind.
public struct ListKind<Element: Kind>: Kind {
  let element: Element
  let countRange: ClosedRange<Int>
  public var placeholder: [Element.Value] { [] }
  public var members: ParameterShape? { element.members }
  public var isList: Bool { true }
  public var note: String? { element.note }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> [Element.Value]? {
    guard json.kind == .array else {
      faults.append(ParameterProblem("must be an array"))
      return nil
    }
    let count = json.count
    guard countRange.contains(count) else {
      faults.append(
        ParameterProblem(
          count < countRange.lowerBound
            ? "must hold at least \(countRange.lowerBound)"
            : "must hold at most \(countRange.upperBound), not \(count)"))
      return nil
    }
    var values: [Element.Value] = []
    for (position, item) in json.elements.enumerated() {
      var itemFaults: [ParameterProblem] = []
      if let value = element.decode(item, members: members, faults: &itemFaults) {
        values.append(value)
      }
      faults += itemFaults.map { $0.inside(String(position)) }
    }
    return values
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "array")
    writer.name("items")
    writer.object { element.writeSchema(to: &$0) }
    writer.member("minItems", countRange.lowerBound)
    if countRange.upperBound != .max { writer.member("maxItems", countRange.upperBound) }
  }

  public func write(_ value: [Element.Value], to writer: inout JSONWriter) {
    writer.array { for item in value { element.write(item, to: &$0) } }
  }
}

/// Any JSON, passed on as it is; of one kind where that is said.
public struct JSONKind: Kind {
  let kind: JSON.Kind?
  public var placeholder: JSON { JSONFragment.null.json }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> JSON? {
    if let kind, json.kind != kind {
      faults.append(ParameterProblem("must be \(kind == .array ? "an array" : "an object")"))
      return nil
    }
    return json
  }

  public func writeSchema(to writer: inout JSONWriter) {
    if let kind { writer.member("type", kind == .array ? "array" : "object") }
  }

  public func write(_ value: JSON, to writer: inout JSONWriter) { writer.value(value) }
}

// MARK: Names for declarations

extension Kind where Self == TextKind {
  public static var text: TextKind { TextKind(maximumCharacters: 65_536) }

  /// Text that may be "", which means something.
  public static var blankableText: TextKind {
    TextKind(maximumCharacters: 65_536, mayBeEmpty: true)
  }

  public static func text(maximumCharacters: Int) -> TextKind {
    TextKind(maximumCharacters: maximumCharacters)
  }
}

extension Kind where Self == IntegerKind {
  public static func integer(from least: Int64, to most: Int64) -> Self {
    Self(range: least...most)
  }

  /// The number of a page, from 1.
  public static var page: Self { Self(range: 1...1_000_000_000) }
}

extension Kind where Self == ServerURLKind {
  public static var serverURL: ServerURLKind { ServerURLKind() }
}

extension Kind where Self == IdentifierKind {
  public static var identifier: IdentifierKind { IdentifierKind() }
}

extension Kind where Self == BooleanKind {
  public static var boolean: BooleanKind { BooleanKind() }
}

extension Kind where Self == NumberKind {
  public static var positiveNumber: NumberKind { NumberKind() }
}

extension Kind where Self == JSONKind {
  public static var anyJSON: JSONKind { JSONKind(kind: nil) }
  public static var jsonObject: JSONKind { JSONKind(kind: .object) }
}

extension Kind {
  public static func choice<Choice>(_ type: Choice.Type) -> Self where Self == ChoiceKind<Choice> {
    ChoiceKind()
  }

  public static func object<Object>(_ type: Object.Type) -> Self where Self == ObjectKind<Object> {
    ObjectKind()
  }

  public static func list<Element>(
    of element: Element, count: ClosedRange<Int> = 0...Int.max
  ) -> Self where Self == ListKind<Element> {
    ListKind(element: element, countRange: count)
  }
}
