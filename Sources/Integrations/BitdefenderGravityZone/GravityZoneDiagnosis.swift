import HTTP
import IntegrationKit
import JSON

extension GravityZoneClient: DiagnosableClient {
  package var servers: [BaseURL] { server.map { [$0] } ?? [] }

  /// The details of an API key list the APIs that it may use. What the user of the key may do is known
  /// from no method.
  package func permissions(
    in invocation: Invocation
  ) async throws(CommandError) -> GrantedPermissions? {
    let body = try await exchange(request(.apiKeyDetails), in: invocation)
    guard let enabled = body["result"]?["enabledApis"], enabled.kind == .array else {
      return GrantedPermissions { _ in .unknown("the details of the API key list no APIs") }
    }
    let names = Set(enabled.elements.compactMap { $0.string?.lowercased() })
    return GrantedPermissions { command in
      guard let api = Self.api(of: command) else { return .granted(nil) }
      return names.contains(api)
        ? .granted("the API \(api) is enabled; the rights of its user are not known")
        : .missing("API \(api) of the key")
    }
  }

  /// The API of a command's methods; nil if the details of the key are enough.
  private static func api(of command: String) -> String? {
    switch command {
    case "test_connection": nil
    case "add_to_blocklist", "list_block_list", "remove_from_block_list", "isolate_endpoints",
      "restore_endpoints":
      "incidents"
    case "list_quarantine_items", "quarantine_files", "remove_quarantine_files": "quarantine"
    case "list_reports", "download_reports": "reports"
    default: "network"
    }
  }
}
