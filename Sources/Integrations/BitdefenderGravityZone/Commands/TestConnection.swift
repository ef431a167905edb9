import HTTP
import IntegrationKit

/// The document names no call for this; the details of the key need a working key and nothing else.
struct TestConnection: GravityZoneCommand {
  static let metadata = CommandMetadata(
    "Test Connection", "Asks for the details of the API key, to see whether the connection works.",
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    failureIndicator: "Test Connection failed. Failed to check the connector.",
    result: { .any })

  init(_ parameters: inout ParamReader) {}

  func plan(with client: GravityZoneClient) -> [HTTPRequest] {
    client.previews(client.request(.apiKeyDetails))
  }

  func run(
    with client: GravityZoneClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    _ = try await client.exchange(client.request(.apiKeyDetails), in: invocation)
    return CommandResult(.none)
  }
}
