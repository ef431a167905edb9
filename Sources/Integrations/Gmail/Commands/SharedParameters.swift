import Basics
import IntegrationKit
import JSON

/// Parameters that several commands have.
extension ParamReader {
  /// Messages of one call at most.
  private static let maximumMessages = 10_000

  mutating func mailbox(_ about: StaticString) -> String {
    required(
      "User Email", .text(maximumCharacters: 320), about,
      from: [ParameterSource("get_user_list", "$.users[*].primaryEmail")],
      examples: ["soc@harbor.example"])
  }

  mutating func mailboxOfMessages() -> String {
    mailbox("The mailbox that holds the messages; with OAuth, the one of the user who consented.")
  }

  mutating func messages(_ about: StaticString) -> [String] {
    required(
      "Message IDs", .list(of: .text(maximumCharacters: 256), count: 1...Self.maximumMessages),
      about, from: ParameterSource.messages, examples: [["1a1e3961e9c3a002"]]
    ).withoutDuplicates()
  }

  mutating func labels(
    _ title: StaticString, _ about: StaticString, example: String
  ) -> [String]? {
    optional(
      title, .list(of: .text(maximumCharacters: 256), count: 0...100), about,
      from: [ParameterSource("list_labels", "$.labels[*].id")], examples: [[example]])
  }

  mutating func password(_ about: StaticString) -> String {
    required("Password", .password, about, examples: ["Change-Me-8"])
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
