import Basics
import JSON

/// What values a parameter takes: one rule for the schema and for the check.
public protocol ParameterType: Sendable {
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

extension ParameterType {
  public var members: ParameterShape? { nil }
  public var isSecret: Bool { false }
  public var isList: Bool { false }
  public var note: String? { nil }

  func fragment(_ value: Value) -> JSONFragment {
    JSONFragment { write(value, to: &$0) }
  }
}

// MARK: Names for declarations

extension ParameterType where Self == TextType {
  public static var text: TextType { TextType(maximumCharacters: 65_536) }

  /// Text that may be "", which means something.
  public static var blankableText: TextType {
    TextType(maximumCharacters: 65_536, mayBeEmpty: true)
  }

  public static func text(maximumCharacters: Int) -> TextType {
    TextType(maximumCharacters: maximumCharacters)
  }

  /// Text on one line.
  public static func line(maximumCharacters: Int) -> TextType {
    TextType(maximumCharacters: maximumCharacters, isLine: true)
  }

  public static func blankableText(maximumCharacters: Int) -> TextType {
    TextType(maximumCharacters: maximumCharacters, mayBeEmpty: true)
  }
}

extension ParameterType where Self == IntegerType {
  public static func integer(from least: Int64, to most: Int64) -> Self {
    Self(range: least...most)
  }

  /// The number of a page, from 1.
  public static var page: Self { Self(range: 1...1_000_000_000) }
}

extension ParameterType where Self == ServerURLType {
  public static var serverURL: ServerURLType { ServerURLType() }
}

extension ParameterType where Self == IdentifierType {
  public static var identifier: IdentifierType { IdentifierType() }
}

extension ParameterType where Self == BooleanType {
  public static var boolean: BooleanType { BooleanType() }
}

extension ParameterType where Self == NumberType {
  public static var positiveNumber: NumberType { NumberType() }
}

extension ParameterType where Self == JSONType {
  public static var anyJSON: JSONType { JSONType(kind: nil) }
  public static var jsonObject: JSONType { JSONType(kind: .object) }
  /// Text that is looked up as it is.
  public static var jsonText: JSONType { JSONType(kind: .string) }
}

extension ParameterType {
  public static func choice<Choice>(_ type: Choice.Type) -> Self where Self == ChoiceType<Choice> {
    ChoiceType()
  }

  public static func object<Object>(_ type: Object.Type) -> Self where Self == ObjectType<Object> {
    ObjectType()
  }

  public static func list<Element>(
    of element: Element, count: ClosedRange<Int> = 0...Int.max
  ) -> Self where Self == ListType<Element> {
    ListType(element: element, countRange: count)
  }

  public static func oneOrMore<Element>(
    _ element: Element, count: ClosedRange<Int>
  ) -> Self where Self == OneOrMoreType<Element> {
    OneOrMoreType(list: ListType(element: element, countRange: count))
  }
}
