import Basics
import JSON
import Redaction

/// A secret document in a connection's settings: a JSON object, its JSON text, or a reference to
/// where it is stored.
public struct SecretDocumentType: ParameterType {
  public var placeholder: SecretReference { .literal("") }
  public var isSecret: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> SecretReference? {
    let isReference = json.members.contains { $0.name.string?.hasPrefix("$") == true }
    guard json.kind == .object && !isReference else {
      return SecretType(maximumBytes: SecretReference.maximumDocumentBytes)
        .decode(json, members: members, faults: &faults)
        .map { .document($0) }
    }
    let text = JSONFragment(json).text
    if let problem = SecretText.problem(text, maximumBytes: SecretReference.maximumDocumentBytes) {
      faults.append(problem)
      return nil
    }
    return .document(.literal(text))
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("writeOnly", true)
    writer.name("type")
    writer.array {
      $0.string("object")
      $0.string("string")
    }
    writer.member("minLength", 1)
  }

  public func write(_ value: SecretReference, to writer: inout JSONWriter) {
    writer.string(Redactor.replacement)
  }
}

/// A password that a command sets: 8 to 100 ASCII characters, the limits of Google's Directory API,
/// or the longer hash of a password.
public struct PasswordType: ParameterType {
  /// Of a password in clear text.
  public static let clearLength = 8...100
  /// crypt(3) returns at most 384 bytes, with their end.
  public static let hashLength = 8...383

  private let length: ClosedRange<Int>

  fileprivate init(_ length: ClosedRange<Int>) { self.length = length }

  public var placeholder: String { "" }
  public var isSecret: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> String? {
    guard let text = json.string, length.contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else {
      faults.append(
        ParameterProblem(
          "must have \(length.lowerBound) to \(length.upperBound) printable ASCII characters"
        ))
      return nil
    }
    if let problem = SecretText.problem(text, maximumBytes: length.upperBound) {
      faults.append(problem)
      return nil
    }
    return text
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("writeOnly", true)
    writer.member("type", "string")
    writer.member("minLength", length.lowerBound)
    writer.member("maxLength", length.upperBound)
    writer.member("pattern", "^[ -~]*$")
  }

  public func write(_ value: String, to writer: inout JSONWriter) { writer.string(value) }
}

extension ParameterType where Self == SecretDocumentType {
  public static var secretDocument: SecretDocumentType { SecretDocumentType() }
}

extension ParameterType where Self == PasswordType {
  public static var password: PasswordType { PasswordType(PasswordType.clearLength) }
  /// Also long enough for the hash of a password.
  public static var passwordOrHash: PasswordType { PasswordType(PasswordType.hashLength) }
}
