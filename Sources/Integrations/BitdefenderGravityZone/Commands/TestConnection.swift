import HTTP
import IntegrationKit

/// The document names no method for this. Reading the details of the API key needs only a valid
/// key.
struct TestConnection: GravityZoneCommand {
  static let metadata = CommandMetadata(
    "Test Connection", "Reads the details of the API key to check the connection.",
    permissions: BitdefenderGravityZone.rights, rateLimit: Quota.standard,
    failureIndicator: "Test Connection failed. Failed to check the connector.",
    errorSamples: [ErrorSample(403, "Unauthorized.")],
    result: { .any })

  init(_ parameters: inout ParamReader) {}

  func plan(with client: GravityZoneClient, add: (consuming HTTPRequest) -> Void) {
    add(client.request(.apiKeyDetails))
  }

  func run(
    with client: GravityZoneClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    _ = try await client.exchange(client.request(.apiKeyDetails), in: invocation)
    return CommandResult(.none)
  }
}
