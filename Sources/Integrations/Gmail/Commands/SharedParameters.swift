import Basics
import IntegrationKit
import JSON

/// Parameters that several commands share.
extension ParamReader {
  private static let maximumMessages = 10_000

  mutating func mailbox(_ description: StaticString) -> String {
    required(
      "User Email", .text(maximumCharacters: 320), description,
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: ["soc@harbor.example"])
  }

  mutating func mailboxOfMessages() -> String {
    mailbox(
      "The mailbox that contains the messages. With OAuth, the mailbox of the user who consented.")
  }

  mutating func messages(_ description: StaticString) -> [String] {
    required(
      "Message IDs", .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumMessages),
      description, from: ParameterSource.messages, examples: [["1a1e3961e9c3a002"]]
    ).withoutDuplicates()
  }

  mutating func labels(
    _ title: StaticString, _ description: StaticString, example: String
  ) -> [String]? {
    optional(
      title, .list(of: .text(maximumCharacters: 256), count: 0...100), description,
      from: [ParameterSource("list_labels", "$.labels[*].id")], examples: [[example]])
  }

  mutating func password(_ description: StaticString) -> String {
    required("Password", .password, description, examples: ["Change-Me-8"])
  }
}

extension ParameterSource {
  static let messages = [ParameterSource("search_emails", "$.messages[*].id")]
  static let userKeys = [
    ParameterSource("get_user_list", "$.users[*].primaryEmail"),
    ParameterSource("get_user_list", "$.users[*].id"),
  ]
}

extension JSONWriter {
  mutating func member(_ name: StaticString, _ texts: [String]) {
    self.name(name)
    array { for text in texts { $0.string(text) } }
  }
}
