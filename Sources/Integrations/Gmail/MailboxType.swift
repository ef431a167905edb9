import Basics
import IntegrationKit
import JSON
import Mail

/// A mail address: `local@domain`, or for a recipient also `Name <local@domain>`.
struct MailboxType: ParameterType {
  let maximumCharacters: Int
  let mayHaveName: Bool
  /// The documents' sentence for an invalid address.
  let sentence: String?
  var placeholder: MailAddress { MailAddress("") }

  static let sender = MailboxType(maximumCharacters: 320, mayHaveName: false, sentence: nil)
  static let recipient = MailboxType(
    maximumCharacters: 1_024, mayHaveName: true,
    sentence: "The Recipients contain invalid email address.")

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> MailAddress? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    guard text.unicodeScalars.count <= maximumCharacters else {
      faults.append(
        ParameterProblem("must have at most \(maximumCharacters) characters", sentence: sentence))
      return nil
    }
    do throws(MailBuildError) {
      let address = try MailAddress(checking: text)
      if mayHaveName || address.name == nil && !text.contains("<") { return address }
      faults.append(ParameterProblem("must be an address without a name", sentence: sentence))
    } catch {
      faults.append(ParameterProblem(error.reason, sentence: sentence))
    }
    return nil
  }

  /// Looser than the validation.
  func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("minLength", 3)
    writer.member("maxLength", maximumCharacters)
    writer.member("pattern", #"^[^\u0000\r\n]*[^\s\u0000@]@[^\s\u0000@]+[ \t]*$"#)
  }

  func write(_ value: MailAddress, to writer: inout JSONWriter) {
    writer.string(value.name.map { "\($0) <\(value.address)>" } ?? value.address)
  }
}
