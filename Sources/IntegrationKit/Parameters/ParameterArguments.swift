import Basics
import JSON

/// How a parameter is written on a command line.
public struct ArgumentForm: Sendable {
  public let isSecret: Bool
  public let isBoolean: Bool
  public let isList: Bool
  /// Whether a file is passed as Base64.
  public let isBase64: Bool
  /// Whether any text is a value.
  public let isText: Bool
  /// The values, or elements, if only those are allowed.
  public let choices: [String]
}

extension ParameterShape {
  private func schema(of name: String) -> JSON? {
    parameter(name).map { parameter in
      JSONFragment { writer in writer.object { parameter.writeType(&$0) } }.json
    }
  }

  public func form(of name: String) -> ArgumentForm {
    let schema = schema(of: name)
    let single = schema?["anyOf"]?.elements.first { $0["type"]?.equals("array") != true } ?? schema
    let isList = schema?["type"]?.equals("array") == true
    let element = isList ? schema?["items"] : single
    let choices = element?["enum"]?.elements.compactMap(\.string) ?? []
    let isBoolean = element?["type"]?.equals("boolean") == true
    return ArgumentForm(
      isSecret: parameter(name)?.isSecret == true, isBoolean: isBoolean, isList: isList,
      isBase64: single?["contentEncoding"]?.equals("base64") == true,
      isText: !isList && Self.takesText(single) && choices.isEmpty,
      choices: isBoolean ? ["true", "false"] : choices)
  }

  /// Converts command-line arguments to a value: a string for a parameter that accepts strings, an
  /// array for a list, or for several arguments if a list is accepted too, otherwise the parsed JSON, or
  /// a string if it does not parse. Does not validate.
  ///
  /// - Parameter areWhole: whether each of the texts is one element of a list.
  /// - Returns: nil if the argument starts like a JSON array but does not parse.
  public func value(of name: String, from texts: [String], areWhole: Bool = false) -> JSONFragment?
  {
    let schema = schema(of: name)
    let list = schema?["anyOf"]?.elements.first { $0["type"]?.equals("array") == true }
    guard let schema = texts.count > 1 ? list ?? schema : schema,
      schema["type"]?.equals("array") == true
    else { return Self.value(from: texts.last ?? "", isText: Self.takesText(schema)) }
    let isText = Self.takesText(schema["items"])
    if texts.count == 1, texts[0].hasPrefix("[") {
      return (try? JSON.parse(texts[0])).map { JSONFragment($0) }
    }
    return JSONFragment { writer in
      writer.array { writer in
        for text in areWhole ? texts : Self.elements(texts) {
          writer.value(Self.value(from: text, isText: isText))
        }
      }
    }
  }

  /// The elements of `a, b` and so on.
  private static func elements(_ texts: [String]) -> [String] {
    texts.flatMap { $0.split(separator: ",") }.map { text in
      String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// If there are several types, the first counts.
  private static func takesText(_ schema: JSON?) -> Bool {
    guard let type = schema?["type"] else { return false }
    return (type[0] ?? type).equals("string")
  }

  private static func value(from text: String, isText: Bool) -> JSONFragment {
    if !isText, let json = try? JSON.parse(text) { return JSONFragment(json) }
    return JSONFragment { $0.string(text) }
  }
}
