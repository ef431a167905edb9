import IntegrationKit

/// Gmail and the users of a Google Workspace domain.
///
/// Sources: the product document for orchestrators and Google's references
/// (developers.google.com/workspace/gmail/api and /admin/directory), with the discovery documents
/// `gmail.v1` and `admin.directory_v1`.
package enum Gmail: Integration {
  package static let metadata = IntegrationMetadata(
    id: "gmail", title: "Gmail V2",
    description: """
      Mail and users of Google Workspace: searches, reads, labels and sends mail, sets auto \
      replies and manages users.
      """,
    category: "Email")

  package static let commands: [CommandEntry<GmailClient>] = [
    CommandEntry(CreateUser.self),
    CommandEntry(DeleteEmails.self),
    CommandEntry(DeleteUsers.self),
    CommandEntry(DownloadEmailAttachment.self),
    CommandEntry(FetchEvent.self),
    CommandEntry(GetAutoReply.self),
    CommandEntry(GetEmail.self),
    CommandEntry(GetUserList.self),
    CommandEntry(LabelEmails.self),
    CommandEntry(ListLabels.self),
    CommandEntry(ReportSpam.self),
    CommandEntry(SearchEmails.self),
    CommandEntry(SendEmail.self),
    CommandEntry(SetAutoReply.self),
    CommandEntry(SetUserPassword.self),
    CommandEntry(TrashEmails.self),
    CommandEntry(UntrashEmails.self),
    CommandEntry(TestConnection.self),
  ]

  package static func client(_ settings: GmailSettings, on connection: Connection) -> GmailClient {
    GmailClient(settings, on: connection)
  }
}

/// A Gmail command.
protocol GmailCommand: Command where Client == GmailClient {
  /// What its requests do, which decides the scopes that it needs.
  var operations: [GmailOperation] { get }
}

extension GmailCommand {
  var operations: [GmailOperation] { [.readMail] }

  func refusal(by client: GmailClient) -> CommandError? {
    operations.lazy.compactMap(client.tokens.refusal).first
  }
}
