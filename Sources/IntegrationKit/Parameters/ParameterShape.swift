import Basics
import JSON

/// The parameters of a command or the settings of a connection, from one declaration. Schema and
/// validation both use it.
public final class ParameterShape: Sendable {
  /// How a documented title maps to the name on the wire.
  public enum Naming: Sendable {
    /// `Number of Event(s) Fetched` is `number_of_events_fetched`.
    case snakeCase
    /// The title is the name.
    case verbatim
  }

  let parameters: [Parameter]
  let rules: [Rule]
  /// The parameter names, in declaration order.
  let jsonNames: JSONNames
  /// The members that are credentials.
  public let secretNames: [String]
  /// The JSON Schema of a shape that was not declared in code; nil to write it from the declaration.
  let givenSchema: JSONFragment?

  /// Runs a declaration once and records it.
  public init(naming: Naming = .snakeCase, _ declare: (inout ParamReader) -> Void) {
    let recording = ParameterRecording(naming)
    var reader = ParamReader(recordingTo: recording)
    declare(&reader)
    parameters = recording.parameters
    rules = recording.rules
    jsonNames = JSONNames(parameters.map(\.name))
    secretNames = parameters.filter(\.isSecret).map(\.name)
    givenSchema = nil
    for name in rules.flatMap(\.names) {
      precondition(parameter(name) != nil, "a rule names the unknown parameter \(name)")
    }
  }

  /// A shape that a JSON Schema describes. Decoding is not possible with it.
  init(_ parameters: [Parameter], givenSchema: JSONFragment) {
    self.parameters = parameters
    rules = []
    jsonNames = JSONNames(parameters.map(\.name))
    secretNames = parameters.filter(\.isSecret).map(\.name)
    self.givenSchema = givenSchema
  }

  public convenience init<Object: ParameterObject>(of type: Object.Type) {
    self.init(naming: Object.naming) { _ = Object(&$0) }
  }
}

extension ParameterShape {
  public var names: [String] { parameters.map(\.name) }

  func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }
}

/// A value that is declared by reading its members, such as a filter or the settings of a
/// connection.
public protocol ParameterObject: Sendable {
  static var naming: ParameterShape.Naming { get }
  init(_ parameters: inout ParamReader)
}

/// The declaration of one parameter.
final class Parameter: Sendable {
  let name: String
  let title: String
  let description: String
  let isRequired: Bool
  let isSecret: Bool
  let isList: Bool
  let sources: [ParameterSource]
  let examples: [JSONFragment]
  let defaultValue: JSONFragment?
  /// The same for reading: rules look at it in every call.
  let defaultJSON: JSON?
  /// Writes the JSON Schema members that describe the accepted values.
  let writeType: @Sendable (inout JSONWriter) -> Void
  /// The value as rules compare it.
  let conditionValue: @Sendable (JSON) -> ConditionValue?
  /// The members, if the parameter is an object.
  let members: ParameterShape?

  init(
    name: String, title: String, description: String, isRequired: Bool, isSecret: Bool,
    isList: Bool, sources: [ParameterSource], examples: [JSONFragment],
    defaultValue: JSONFragment?, members: ParameterShape?,
    conditionValue: @escaping @Sendable (JSON) -> ConditionValue?,
    writeType: @escaping @Sendable (inout JSONWriter) -> Void
  ) {
    self.name = name
    self.title = title
    self.description = description
    self.isRequired = isRequired
    self.isSecret = isSecret
    self.isList = isList
    self.sources = sources
    self.examples = examples
    self.defaultValue = defaultValue
    defaultJSON = defaultValue?.json
    self.members = members
    self.conditionValue = conditionValue
    self.writeType = writeType
  }
}

/// Another command whose result contains valid values.
public struct ParameterSource: Sendable {
  /// An argument that the other command needs. Without it, the result has other values.
  public struct Argument: Sendable {
    public let name: String
    /// Nil if any value will do.
    public let value: String?

    /// An argument with this value: a choice or text.
    public static func with(_ name: String, _ value: String) -> Self {
      Self(name: name, value: value)
    }

    /// An argument with any value.
    public static func any(_ name: String) -> Self { Self(name: name, value: nil) }
  }

  public var command: String
  /// JSONPath (RFC 9535) into that command's `raw_data`.
  public var path: String
  public var arguments: [Argument]

  public init(_ command: String, _ path: String, _ arguments: Argument...) {
    self.init(command, path, arguments)
  }

  public init(_ command: String, _ path: String, _ arguments: [Argument]) {
    self.command = command
    self.path = path
    self.arguments = arguments
  }

  /// "list_endpoints with endpoint_type endpoints at $.result.items[*].id".
  ///
  /// - Parameter name: how readers know the command.
  public func text(_ name: (String) -> String = { $0 }) -> String {
    let conditions = arguments.map { argument in
      argument.value.map { "\(argument.name) \($0)" } ?? "a \(argument.name)"
    }
    let condition = conditions.isEmpty ? "" : " with \(conditions.joined(separator: " and "))"
    return "\(name(command))\(condition) at \(path)"
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("command", command)
      writer.member("path", path)
      let fixed = arguments.compactMap { argument in argument.value.map { (argument.name, $0) } }
      if !fixed.isEmpty {
        writer.name("with")
        writer.object { writer in
          for (name, value) in fixed {
            writer.name(text: name)
            writer.string(value)
          }
        }
      }
      let others = arguments.filter { $0.value == nil }
      if !others.isEmpty {
        writer.name("required")
        writer.array { for argument in others { $0.string(argument.name) } }
      }
    }
  }
}

enum ParameterName {
  /// The documented title in snake_case, without parentheses.
  static func snakeCase(_ title: String) -> String {
    // By bytes: the names of all commands are made at start-up. Titles are ASCII.
    var name: [UInt8] = []
    name.reserveCapacity(title.utf8.count)
    for byte in title.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(byte | 0x20)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
        name.append(byte)
      case UInt8(ascii: "("), UInt8(ascii: ")"): break
      default: if let last = name.last, last != UInt8(ascii: "_") { name.append(UInt8(ascii: "_")) }
      }
    }
    if name.last == UInt8(ascii: "_") { name.removeLast() }
    return String(decoding: name, as: UTF8.self)
  }
}
