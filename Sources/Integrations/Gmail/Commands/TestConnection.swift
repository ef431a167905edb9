import HTTP
import IntegrationKit

/// The document names no request for this. Reads something small that the scopes of the connection
/// allow, or only signs in if they allow no reading.
struct TestConnection: GmailCommand {
  static let metadata = CommandMetadata(
    "Test Connection", "Signs in and reads something small to check the connection.",
    permissions: [Permission.mail],
    failureIndicator: "Test Connection failed. Failed to check the connector.",
    errorSamples: [ErrorSample(404, "Invalid Client Secret provided.")],
    result: { .any })

  init(_ parameters: inout ParamReader) {}
  init() {}

  var operations: [GmailOperation] { [] }

  func request(with client: GmailClient) -> HTTPRequest? {
    let scopes = client.settings.scopes
    switch Self.probes.first(where: { $0.leastScope(of: scopes) != nil }) {
    case .readProfile: return client.mail(.get, client.ownMailbox, "/profile", for: .readProfile)
    case .readLabels: return client.mail(.get, client.ownMailbox, "/labels", for: .readLabels)
    case .readSettings:
      return client.mail(.get, client.ownMailbox, "/settings/vacation", for: .readSettings)
    case .readUsers:
      return client.directory(.get, for: .readUsers) { url in
        url.query("customer", "my_customer")
        url.query("maxResults", 1)
      }
    default: return nil
    }
  }

  private static let probes: [GmailOperation] = [
    .readProfile, .readLabels, .readSettings, .readUsers,
  ]

  func plan(with client: GmailClient, add: (consuming HTTPRequest) -> Void) {
    if let request = request(with: client) { add(request) }
  }

  func run(
    with client: GmailClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    if let request = request(with: client) {
      _ = try await client.exchange(request, in: invocation)
    } else {
      try await client.signIn(in: invocation)
    }
    return CommandResult(.none)
  }
}

/// The documented scopes, for `permissions`.
enum Permission {
  static let mail: String = "https://mail.google.com/"
  static let settings: String = "https://www.googleapis.com/auth/gmail.settings.basic"
  static let users: String = "https://www.googleapis.com/auth/admin.directory.user"
}
