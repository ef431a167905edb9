import Basics
import JSON

/// The values that a parameter accepts. Schema and validation come from one definition.
public protocol ParameterType: Sendable {
  associatedtype Value: Sendable
  /// Replaces an invalid value while the remaining parameters are read. Never reaches a command
  /// that runs.
  var placeholder: Value { get }
  /// The members, if the value is an object.
  var members: ParameterShape? { get }
  /// Whether the value is a credential, which is always redacted.
  var isSecret: Bool { get }
  /// Whether the value is a list. An empty list counts as not given.
  var isList: Bool { get }
  /// A sentence appended to the description of every parameter of this type.
  var note: String? { get }

  /// Decodes a value that is not null. Paths of problems are relative to that value.
  func decode(_ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]) -> Value?
  /// The value as rules between parameters compare it; nil if no rule can depend on it.
  func conditionValue(of json: JSON) -> ConditionValue?
  /// Writes the members of a JSON Schema (2020-12) object, such as `"type":"integer","minimum":1`.
  func writeSchema(to writer: inout JSONWriter)
  /// Writes a value in the form that callers use.
  func write(_ value: Value, to writer: inout JSONWriter)
}

extension ParameterType {
  public var members: ParameterShape? { nil }
  public var isSecret: Bool { false }
  public var isList: Bool { false }
  public var note: String? { nil }

  public func conditionValue(of json: JSON) -> ConditionValue? { ConditionValue(json) }

  func fragment(_ value: Value) -> JSONFragment {
    JSONFragment { write(value, to: &$0) }
  }
}

// MARK: Names for declarations

extension ParameterType where Self == TextType {
  public static var text: TextType { TextType(maximumCharacters: 65_536) }

  /// Text that may be empty; "" has a meaning.
  public static var blankableText: TextType {
    TextType(maximumCharacters: 65_536, mayBeEmpty: true)
  }

  public static func text(maximumCharacters: Int) -> TextType {
    TextType(maximumCharacters: maximumCharacters)
  }

  /// Text that is not about spaces, such as a user name: white space around it is dropped.
  public static func trimmedText(maximumCharacters: Int) -> TextType {
    TextType(maximumCharacters: maximumCharacters, isTrimmed: true)
  }

  /// Text without line breaks.
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

  /// A page number, from 1.
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
  /// A string that the command interprets itself.
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
