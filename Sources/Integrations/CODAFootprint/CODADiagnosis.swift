import HTTP
import IntegrationKit

extension CODAClient: DiagnosableClient {
  package var servers: [BaseURL] { [BaseURL.of(root)].compactMap(\.self) }

  /// The vendor documents no request that returns the role of the user.
  package func permissions(
    in invocation: Invocation
  ) async throws(CommandError) -> GrantedPermissions? {
    _ = try await exchange(
      request(.get, "/common/auth/session/accounts/", tenant: nil), in: invocation)
    return GrantedPermissions { command in
      // The request of both commands.
      ["list_tenants", "test_connection"].contains(command)
        ? .granted(nil) : .unknown("CODA Footprint does not say what the role of the user permits")
    }
  }
}
