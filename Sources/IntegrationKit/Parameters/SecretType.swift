import JSON
import Redaction

/// A secret in a connection's settings. Over the wire only a literal is taken: a caller must not
/// make the host read files or run programs.
public struct SecretType: ParameterType {
  var maximumBytes = SecretReference.maximumBytes
  /// Whether it is a key or token, which has no white space around it.
  var isToken = false

  public var placeholder: SecretReference { .literal("") }
  public var isSecret: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> SecretReference? {
    let reference = reference(json, faults: &faults)
    return isToken ? reference.map { .token($0) } : reference
  }

  private func reference(
    _ json: JSON, faults: inout [ParameterProblem]
  ) -> SecretReference? {
    if let text = json.string, !text.isEmpty {
      let problem =
        SecretText.problem(text, maximumBytes: maximumBytes)
        ?? (isToken ? SecretText.tokenProblem(text) : nil)
      guard let problem else {
        return .literal(text)
      }
      faults.append(problem)
      return nil
    }
    if json.kind == .object, json.count == 1 {
      if let name = json["$env"]?.string, !name.isEmpty { return .environment(name) }
      if let path = json["$file"]?.string, !path.isEmpty { return .file(path) }
    }
    if let command = Self.command(json) { return command }
    faults.append(
      ParameterProblem(
        #"must be a string, {"$env":"NAME"}, {"$file":"PATH"} or {"$command":["PROGRAM","…"],"environment":["NAME"]}"#
      ))
    return nil
  }

  private static func command(_ json: JSON) -> SecretReference? {
    guard json.kind == .object, json["$command"] != nil,
      json.count == (json["environment"] == nil ? 1 : 2),
      let words = texts(json["$command"]), !words.isEmpty,
      let variables = json["environment"] == nil ? [] : texts(json["environment"])
    else { return nil }
    // An equals sign would be part of a value.
    let areNames = variables.allSatisfy { !$0.isEmpty && !$0.contains("=") }
    return areNames ? .command(words, environment: variables) : nil
  }

  /// Nil unless it is an array of strings that the system can pass to a program.
  private static func texts(_ json: JSON?) -> [String]? {
    guard let json, json.kind == .array else { return nil }
    let texts = json.elements.compactMap(\.string)
    return texts.count == json.count && texts.allSatisfy { !$0.utf8.contains(0) } ? texts : nil
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("writeOnly", true)
    writer.name("anyOf")
    writer.array { writer in
      writer.literal(#"{"type":"string","minLength":1}"#)
      for reference in ["$env", "$file"] {
        writer.object {
          $0.literal(#""type":"object""#)
          $0.name("properties")
          $0.object {
            $0.name(text: reference)
            $0.literal(#"{"type":"string","minLength":1}"#)
          }
          $0.name("required")
          $0.array { $0.string(reference) }
          $0.member("additionalProperties", false)
        }
      }
      writer.literal(
        #"""
        {"type":"object","properties":{"$command":{"type":"array","items":{"type":"string"},"minItems":1},"environment":{"type":"array","items":{"type":"string","pattern":"^[^=]+$"}}},"required":["$command"],"additionalProperties":false}
        """#)
    }
  }

  public func write(_ value: SecretReference, to writer: inout JSONWriter) {
    writer.string(Redactor.replacement)
  }
}

/// The text of a secret that a caller passes.
package enum SecretText {
  /// Why the text cannot be a secret; nil if it can.
  static func problem(_ text: String, maximumBytes: Int) -> ParameterProblem? {
    if text.utf8.count > maximumBytes {
      return ParameterProblem("must have at most \(maximumBytes) bytes")
    }
    if text == Redactor.replacement {
      return ParameterProblem(
        "is the placeholder that replaces secrets in output; pass the secret itself")
    }
    return nil
  }

  /// Why the text cannot be a key or token, as far as it is one of its characters.
  static func tokenProblem(_ text: String) -> ParameterProblem? {
    let token = trimmed(text)
    if token.isEmpty { return ParameterProblem("must not be empty") }
    return hasControl(token)
      ? ParameterProblem("must be one line, without control characters") : nil
  }

  /// Without white space, control characters and a byte order mark around it.
  package static func trimmed(_ text: String) -> String {
    trimmed(text, start: isBlank, end: isBlank)
  }

  /// By position: Swift needs long at the start of a process to make a reversed collection.
  private static func trimmed(
    _ text: String, start isDroppedBefore: (Unicode.Scalar) -> Bool,
    end isDroppedBehind: (Unicode.Scalar) -> Bool
  ) -> String {
    let scalars = text.unicodeScalars
    var (start, end) = (scalars.startIndex, scalars.endIndex)
    while start < end, isDroppedBefore(scalars[start]) { start = scalars.index(after: start) }
    while start < end, isDroppedBehind(scalars[scalars.index(before: end)]) {
      end = scalars.index(before: end)
    }
    return String(scalars[start..<end])
  }

  /// Without line ends behind it and a byte order mark before it. Spaces may be of a password.
  package static func withoutLineEnds(_ text: String) -> String {
    trimmed(text, start: { $0 == "\u{FEFF}" }, end: { $0 == "\n" || $0 == "\r" })
  }

  static func hasControl(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || scalar.value == 0x7F
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || isControl(scalar) || scalar == "\u{FEFF}"
      || scalar == "\u{200B}"
  }
}

extension ParameterType where Self == SecretType {
  public static var secret: SecretType { SecretType() }
  /// A key or token, which has no white space around it.
  public static var secretToken: SecretType { SecretType(isToken: true) }
}
