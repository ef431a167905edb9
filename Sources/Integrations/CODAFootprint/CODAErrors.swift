import Basics
import HTTP
import IntegrationKit
import JSON

/// CODA's errors. As documented, the message is the reason phrase of the status. The vendor's body
/// is returned as `upstream`, because its format differs per route and is partly inferred.
enum CODAErrors {
  static func error(_ response: HTTPResponse, in invocation: Invocation) -> CommandError {
    .upstream(
      response, outcome: invocation.outcome(afterStatus: response.status),
      remedy: remedy(response.status, invocation.commandID))
  }

  private static func remedy(_ status: Int, _ command: String) -> String? {
    switch (status, command) {
    case (401, _):
      "Check user_name and password of the connection, and that the user has permission."
    case (402, _): "The tenant's trial has expired. Renew the subscription."
    case (403, _):
      """
      Use a footprint_tenant_id from list_tenants, and a user with the role Administrator, \
      Management, Operations or Reporting.
      """
    case (404, "get_technical_context"): "Use a context_id from list_technical_contexts."
    case (404, "update_target_scan_scope"): "Use a target_id from list_scan_surfaces."
    case (404, _) where command.hasPrefix("list_device_"): "Use a device_id from list_devices."
    case (404, _): "Check server_url and api_profile of the connection."
    case (405, "patch_rescan"): "The scanner is running an extended scan. Try again later."
    case (406, "patch_rescan"): "The scanner is not active. list_scanners returns its state."
    case (400, "update_target_scan_scope"):
      "From 7.18.19 on, tenants only accept removing a target that is in the scope."
    case (501, _):
      "The device is a server. Only devices of type AgentDevice support this command."
    default: nil
    }
  }

  static func signIn(_ response: HTTPResponse) -> CommandError {
    // For invalid credentials, login returns 401 or 400, depending on the revision.
    guard (400..<500).contains(response.status), response.status != 429 else {
      var error = CommandError.upstream(response)
      error.concernsSignIn = true
      return error
    }
    var error = CommandError.upstream(
      response, remedy: "Check server_url, user_name and password of the connection.")
    error.concernsSignIn = true
    if response.status == 400, !response.isPage {
      error.kind = .auth
      error.statusCode = 401
      error.message = "\(HTTPStatus.reason(401))."
    }
    return error
  }

  /// The session login returns 203 without tokens for an account with a one-time password.
  static func noToken(_ response: HTTPResponse) -> CommandError {
    CommandError(
      .auth, statusCode: response.status == 203 ? 401 : 502,
      "The sign-in response contains no access token.",
      remedy: response.status == 203
        ? "The account requires a one-time password. Use an API account without one."
        : "Check that server_url is a CODA Footprint instance.")
  }

  /// The body as JSON; null if it is empty.
  ///
  /// - Throws: if the body says that a change failed.
  static func body(
    _ response: HTTPResponse, in invocation: Invocation
  ) throws(CommandError) -> JSON {
    let body = try invocation.json(
      of: response, remedy: "Check that the server URL is that of a CODA Footprint instance.")
    guard invocation.command.effect != .read, saysFalse(body) || saysFalse(body["success"]) else {
      return body
    }
    throw invocation.withRemedy(
      CommandError(
        .upstream, "The vendor returned success false.", outcome: invocation.outcomeAfterSending,
        upstream: JSONFragment(body)))
  }

  private static func saysFalse(_ json: JSON?) -> Bool {
    json?.bool == false || json?.string?.lowercased() == "false"
  }

  /// Whether an error says that the tenant does not know an id. A page of a proxy or of another
  /// server, which is not JSON, does not.
  static func isUnknownID(_ error: CommandError) -> Bool {
    guard error.statusCode == 400 || error.statusCode == 404, !error.concernsSignIn else {
      return false
    }
    return error.upstream?.json.kind == .object
  }
}
