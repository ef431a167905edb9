import Basics
import HTTP
import IntegrationKit
import JSON

/// CODA's errors. The message is the status's phrase, as documented; what the vendor wrote goes
/// along as `upstream`, since its bodies differ from route to route and are partly inferred.
enum CODAErrors {
  static func error(_ response: HTTPResponse, in invocation: Invocation) -> CommandError {
    .upstream(
      response, outcome: response.status >= 500 ? invocation.outcomeAfterSending : .notApplied,
      remedy: remedy(response.status, invocation.commandID))
  }

  private static func remedy(_ status: Int, _ command: String) -> String? {
    switch (status, command) {
    case (401, _):
      "Check the user name and password of the connection, and that the user may run this."
    case (402, _): "The tenant's trial has expired; renew the subscription."
    case (403, _):
      """
      Use a footprint_tenant_id that list_tenants shows, and a user with the role Administrator, \
      Management, Operations or Reporting.
      """
    case (404, "get_technical_context"): "Take the context_id from list_technical_contexts."
    case (404, "update_target_scan_scope"): "Take the target_id from list_scan_surfaces."
    case (404, _) where command.hasPrefix("list_device_"): "Take the device_id from list_devices."
    case (404, _): "Check the server URL, and the api_profile, of the connection."
    case (405, "patch_rescan"): "The scanner is busy with an extended scan; try again later."
    case (406, "patch_rescan"): "The scanner is not active; list_scanners shows its state."
    case (400, "update_target_scan_scope"):
      "Tenants from 7.18.19 on only take targets out of the scope that are in it."
    case (501, _):
      "The device is a server; only devices of the type AgentDevice answer this."
    default: nil
    }
  }

  static func signIn(_ response: HTTPResponse) -> CommandError {
    // Login answers 401 or 400 to bad credentials, by revision.
    guard (400..<500).contains(response.status), response.status != 429 else {
      var error = CommandError.upstream(response)
      error.concernsSignIn = true
      return error
    }
    var error = CommandError.upstream(
      response, remedy: "Check the server URL, the user name and the password of the connection.")
    error.concernsSignIn = true
    if response.status == 400 {
      error.kind = .auth
      error.statusCode = 401
      error.message = "\(HTTPStatus.reason(401))."
    }
    return error
  }

  /// 203 without tokens is what the session login answers to an account with a one-time password.
  static func noToken(_ response: HTTPResponse) -> CommandError {
    CommandError(
      .auth, statusCode: response.status == 203 ? 401 : 502, "Signing in brought no access token.",
      remedy: response.status == 203
        ? "The account asks for a one-time password; use one for programs, without it."
        : "Check that the server URL is that of a CODA Footprint instance.")
  }

  /// The body as JSON; null if it is empty.
  static func body(
    _ response: HTTPResponse, in invocation: Invocation
  ) throws(CommandError) -> JSON {
    try invocation.json(
      of: response, remedy: "Check that the server URL is that of a CODA Footprint instance.")
  }
}
