import HTTP
import IntegrationKit

/// The document names no request for this. Reading the profile of a mailbox needs only a valid
/// sign-in.
struct TestConnection: GmailCommand {
  static let metadata = CommandMetadata(
    "Test Connection", "Signs in and reads a profile to check the connection.",
    permissions: [Permission.mail],
    failureIndicator: "Test Connection failed. Failed to check the connector.",
    errorSamples: [ErrorSample(404, "Invalid Client Secret provided.")],
    result: { .any })

  init(_ parameters: inout ParamReader) {}

  private func request(with client: GmailClient) -> HTTPRequest {
    client.mail(.get, client.ownMailbox, "/profile")
  }

  func plan(with client: GmailClient) -> [HTTPRequest] { client.previews(request(with: client)) }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    _ = try await client.exchange(request(with: client), in: invocation)
    return CommandResult(.none)
  }
}

/// The documented scopes, for `permissions`.
enum Permission {
  static let mail: StaticString = "https://mail.google.com/"
  static let settings: StaticString = "https://www.googleapis.com/auth/gmail.settings.basic"
  static let users: StaticString = "https://www.googleapis.com/auth/admin.directory.user"
}
