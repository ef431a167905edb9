import Basics
import HTTP
import IntegrationKit
import JSON

struct ListTenants: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Tenants", "Lists the tenants that the user can sign in to.",
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.tenants })

  /// Not documented, but tenants of the current profile paginate.
  var page: Int64? { nil }

  init(_ parameters: inout ParamReader) {}

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/common/auth/session/accounts/", tenant: nil) { $0.query("page", page) }
  }
}

/// The document names no request for this. Listing the tenants needs only a valid sign-in.
struct TestConnection: CODACommand {
  static let metadata = CommandMetadata(
    "Test Connection", "Signs in and lists the tenants to check the connection.",
    permissions: CODAFootprint.roles,
    failureIndicator: "Test Connection failed. Failed to check the connector.",
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { .any })

  init(_ parameters: inout ParamReader) {}

  private func request(with client: CODAClient) -> HTTPRequest {
    client.request(.get, "/common/auth/session/accounts/", tenant: nil)
  }

  func plan(with client: CODAClient, add: (consuming HTTPRequest) -> Void) {
    add(request(with: client))
  }

  func run(
    with client: CODAClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    _ = try await client.exchange(request(with: client), in: invocation)
    return CommandResult(.none)
  }
}
