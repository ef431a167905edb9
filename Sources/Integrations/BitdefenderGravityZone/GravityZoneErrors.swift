import Basics
import HTTP
import IntegrationKit
import JSON

/// GravityZone's errors: JSON-RPC errors with HTTP 200 or with a status of 400 or more (both have
/// been observed), and bodies that are not JSON.
enum GravityZoneErrors {
  /// The whole JSON-RPC envelope.
  ///
  /// - Throws: the vendor's error, or an error if the response is not JSON-RPC.
  static func body(
    _ response: HTTPResponse, in invocation: Invocation
  ) throws(CommandError) -> JSON {
    var body: JSON?
    var fault: JSONError?
    do throws(JSONError) {
      body = try response.json()
    } catch {
      fault = error
    }
    if let error = body?["error"], !error.isNull {
      throw self.error(error, response, in: invocation)
    }
    guard response.isSuccess else { throw refusal(response, in: invocation) }
    guard let body, let result = body["result"] else {
      throw unreadable(response, fault, in: invocation)
    }
    if result.bool == false, invocation.command.effect != .read {
      throw refusal(body, in: invocation)
    }
    return body
  }

  /// No page documents `false`. It cannot be reported as a success.
  private static func refusal(_ body: JSON, in invocation: Invocation) -> CommandError {
    CommandError(
      .upstream, "The vendor returned false.", outcome: invocation.outcomeAfterSending,
      remedy: "Check in the Control Center whether the change was applied.",
      upstream: JSONFragment(body))
  }

  // MARK: Errors of the API

  private static func error(
    _ error: JSON, _ response: HTTPResponse, in invocation: Invocation
  ) -> CommandError {
    let details = text(error["data"]?["details"]) ?? text(error["data"])
    let message = details ?? text(error["message"]) ?? error.sourceText
    // 401 takes precedence over the text.
    let status =
      response.status == 401
      ? 401
      : details.flatMap(status(of:))
        ?? (response.isSuccess ? status(ofCode: error["code"]?.integer) : response.status)
    var failure = CommandError(
      CommandError.Kind(status: status), statusCode: status,
      CommandError.withNote(of: response.retryAfter, message),
      isRetryable: HTTPStatus.isTransient(status),
      retryAfterMilliseconds: response.retryAfter?.milliseconds,
      outcome: invocation.outcome(afterStatus: status),
      remedy: remedy(status, message, invocation.commandID))
    failure.upstream = JSONFragment { $0.object { $0.member("error", error) } }
    return failure
  }

  private static func text(_ json: JSON?) -> String? {
    json?.string.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The vendor reports nearly every error with one code (-32602) and HTTP 200, so the text
  /// decides. The first matching row applies. Inferred from the document, which shows texts with
  /// status codes.
  private static let statuses: [(text: StaticString, status: Int)] = [
    ("endpoint is not managed", 422),
    ("Not enough rights", 403),
    ("This endpoint cannot be queried", 403),
    ("do not have enough rights", 403),
    ("not enough privileges", 403),
    ("Group name already exists", 409),
    ("do not belong to the same company", 409),
    ("cannot be restored from isolation", 409),
    ("cannot be isolated", 409),
    ("Invalid value for", 400),
    ("No valid target provided", 400),
    ("At least one specified target is invalid", 400),
    ("not available for the specified action", 400),
    ("Incorrect custom group specified", 400),
  ]

  private static func status(of details: String) -> Int? {
    statuses.first { details.contains("\($0.text)") }?.status
  }

  private static func status(ofCode code: Int64?) -> Int {
    switch code {
    case -32601: 404
    case -32603, -32000: 500
    default: 400
    }
  }

  // MARK: Responses without an error object

  /// A status of 400 or more with an empty body or an HTML page.
  private static func refusal(_ response: HTTPResponse, in invocation: Invocation) -> CommandError {
    let status = response.status
    // The document uses the same text for both.
    let isOfTheAPI = response.body.isEmpty || (try? response.json()) != nil
    let message = isOfTheAPI && (status == 401 || status == 403) ? "Unauthorized." : nil
    return .upstream(
      response, message: message,
      outcome: invocation.outcome(afterStatus: status),
      remedy: status == 403 && !isOfTheAPI
        ? "A firewall or a proxy refuses the request: its response is in upstream."
        : remedy(status, "", invocation.commandID))
  }

  private static func unreadable(
    _ response: HTTPResponse, _ fault: JSONError?, in invocation: Invocation
  ) -> CommandError {
    let remedy = "Check that the server URL is that of a GravityZone Control Center."
    if response.body.isEmpty {
      return invocation.unusable(response, "The vendor's response is empty.", remedy: remedy)
    }
    if let fault { return invocation.bodyIsNotJSON(response, fault, remedy: remedy) }
    return invocation.unusable(
      response, "The vendor's response is not the JSON-RPC response of this method.",
      remedy: remedy)
  }

  // MARK: Remedies

  private static func remedy(_ status: Int, _ message: String, _ command: String) -> String? {
    switch status {
    case 401: "Check the API key of the connection."
    case 403: sources(message, command) ?? apiRemedy
    case 404: "Check server_url, api_version and deployment of the connection."
    case 405: "Check server_url and the proxy of the connection; the request was not a POST."
    case 409 where message.hasPrefix("Group name"): "Use another name or another parent_id."
    default: sources(message, command)
    }
  }

  private static let apiRemedy =
    "In My Account of the Control Center, enable the API of this command for the key, and check the "
    + "rights of its user."

  /// The command that returns valid values for the rejected one.
  private static func sources(_ message: String, _ command: String) -> String? {
    for (text, remedy) in valueSources where message.contains(text) { return remedy }
    return command == "remove_from_block_list"
      ? "Use hash_item_ids from list_block_list." : nil
  }

  private static let valueSources: [(text: String, remedy: String)] = [
    ("'endpointId'", "Use IDs of managed endpoints from list_endpoints."),
    ("cannot be queried", "Use IDs of managed endpoints from list_endpoints."),
    ("Endpoint not found", "Use endpoint_ids from list_endpoints."),
    ("'groupId'", "Use IDs of custom groups from list_groups with a parent_id."),
    ("'parentId'", "Use a parent_id from list_groups."),
    ("'reportId'", "Use report_ids from list_reports."),
    ("specified target is invalid", "Use IDs from list_quarantine_items."),
    ("No valid target", "Use IDs of managed endpoints with the EDR sensor from list_endpoints."),
  ]
}
