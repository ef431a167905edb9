import Basics
import JSON

/// Everything known about the parameters of a command, or about the settings of a connection:
/// what the schema says and what the checks hold against, from one declaration.
public final class ParameterShape: Sendable {
  /// How a documented title becomes the name on the wire.
  public enum Naming: Sendable {
    /// `Number of Event(s) Fetched` is `number_of_events_fetched`.
    case snakeCase
    /// The title is the name.
    case verbatim
  }

  let parameters: [Parameter]
  let rules: [Rule]
  /// The names of the parameters, in their order.
  let jsonNames: JSONNames
  /// Which members are credentials.
  public let secretNames: [String]

  /// Runs a declaration once, to learn what it reads.
  public init(naming: Naming = .snakeCase, _ declare: (inout ParamReader) -> Void) {
    var reader = ParamReader(describing: naming)
    declare(&reader)
    parameters = reader.described
    rules = reader.rules
    jsonNames = JSONNames(parameters.map(\.name))
    secretNames = parameters.filter(\.isSecret).map(\.name)
    for name in rules.flatMap(\.names) {
      precondition(parameter(name) != nil, "a rule over \(name), which is no parameter")
    }
  }

  public convenience init<Object: ParameterObject>(of type: Object.Type) {
    self.init(naming: Object.naming) { _ = Object(&$0) }
  }
}

extension ParameterShape {
  public var names: [String] { parameters.map(\.name) }

  func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }
}

/// A value that is declared by reading its members: the members of a filter, the settings of a
/// connection.
public protocol ParameterObject: Sendable {
  static var naming: ParameterShape.Naming { get }
  init(_ parameters: inout ParamReader)
}

/// One parameter, as it was declared.
final class Parameter: Sendable {
  let name: String
  let title: String
  let about: String
  let isRequired: Bool
  let isSecret: Bool
  let isList: Bool
  let sources: [ParameterSource]
  let examples: [JSONFragment]
  let defaultValue: JSONFragment?
  /// Writes the members of the JSON Schema that say what values there are.
  let writeType: @Sendable (inout JSONWriter) -> Void
  /// Of a parameter that is an object with members of its own.
  let members: ParameterShape?

  init(
    name: String, title: String, about: String, isRequired: Bool, isSecret: Bool,
    isList: Bool, sources: [ParameterSource], examples: [JSONFragment],
    defaultValue: JSONFragment?, members: ParameterShape?,
    writeType: @escaping @Sendable (inout JSONWriter) -> Void
  ) {
    self.name = name
    self.title = title
    self.about = about
    self.isRequired = isRequired
    self.isSecret = isSecret
    self.isList = isList
    self.sources = sources
    self.examples = examples
    self.defaultValue = defaultValue
    self.members = members
    self.writeType = writeType
  }
}

/// Where a value can be found: the result of another command.
public struct ParameterSource: Sendable {
  public var command: StaticString
  /// RFC 9535 JSONPath into that command's `raw_data`.
  public var path: StaticString

  public init(_ command: StaticString, _ path: StaticString) {
    self.command = command
    self.path = path
  }
}

enum ParameterName {
  /// The documented title in snake_case, parentheses dropped.
  static func snakeCase(_ title: String) -> String {
    var name = ""
    for character in title.lowercased() {
      if character.isLetter || character.isNumber {
        name.append(character)
      } else if character != "(" && character != ")" && !name.isEmpty && name.last != "_" {
        name.append("_")
      }
    }
    if name.last == "_" { name.removeLast() }
    return name
  }
}

/// What a person types.
extension ParameterShape {
  public func takesBoolean(_ name: String) -> Bool {
    let kind = parameters.first { $0.name == name }.map { parameter in
      JSONFragment { writer in writer.object { parameter.writeType(&$0) } }.json
    }
    return kind?["type"]?.equals("boolean") == true
  }

  /// The value that texts from a command line stand for: text for a parameter that takes text,
  /// elements for a list, else JSON where it is JSON. Not checked further. Nil for what starts like
  /// a JSON array and is none.
  public func value(of name: String, from texts: [String]) -> JSONFragment? {
    let kind = parameters.first { $0.name == name }.map { parameter in
      JSONFragment { writer in writer.object { parameter.writeType(&$0) } }.json
    }
    guard kind?["type"]?.equals("array") == true else {
      return Self.value(from: texts.last ?? "", isText: Self.takesText(kind))
    }
    let isText = Self.takesText(kind?["items"])
    if texts.count == 1, texts[0].hasPrefix("[") {
      return (try? JSON.parse(texts[0])).map { JSONFragment($0) }
    }
    return JSONFragment { writer in
      writer.array { writer in
        for text in texts.flatMap({ $0.split(separator: ",") }) {
          let element = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
          writer.value(Self.value(from: String(element), isText: isText))
        }
      }
    }
  }

  /// Of several types the first counts.
  private static func takesText(_ kind: JSON?) -> Bool {
    guard let type = kind?["type"] else { return false }
    return (type[0] ?? type).equals("string")
  }

  private static func value(from text: String, isText: Bool) -> JSONFragment {
    if !isText, let json = try? JSON.parse(text) { return JSONFragment(json) }
    return JSONFragment { $0.string(text) }
  }
}
