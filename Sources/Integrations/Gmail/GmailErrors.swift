import Basics
import HTTP
import IntegrationKit
import JSON
import RateLimits

/// Google's errors: `{"error":{"code","message","errors":[{"reason"}],"status"}}`, of which parts may
/// be missing, and those of the token endpoint, `{"error","error_description"}` (RFC 6749).
enum GmailErrors {
  // MARK: Rates

  /// The forms in which Google says "too often": 429, and 403 with a reason about rates. How long to
  /// wait may stand as an instant inside the message.
  static func rateRefusal(_ response: HTTPResponse) -> RateRefusal? {
    guard response.status == 429 || response.status == 403 else { return nil }
    let error = try? JSON.parse(response.body)["error"]
    let isRate = response.status == 429 || rateReasons.contains(reason(error) ?? "")
    guard isRate else { return nil }
    let inMessage = error?["message"]?.string.flatMap(milliseconds(inMessage:))
    let named = [response.retryAfterMilliseconds, inMessage].compactMap(\.self).max()
    return RateRefusal(retryAfterMilliseconds: named)
  }

  /// `quotaExceeded` is the Directory's.
  private static let rateReasons: Set<String> = [
    "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
  ]

  /// "User-rate limit exceeded.  Retry after 2024-11-12T11:16:42.247Z"
  private static func milliseconds(inMessage message: String) -> Int? {
    guard let start = message.firstRange(of: "Retry after ") else { return nil }
    let instant = message[start.upperBound...].prefix { $0 != " " && $0 != ")" && $0 != "," }
    guard let time = try? Timestamp(reading: String(instant)) else { return nil }
    let wait = Int(time.millisecondsSince1970 - WallClock.nowMilliseconds)
    // What is past says nothing about how long to wait.
    return wait > 0 ? wait : nil
  }

  private static func reason(_ error: JSON?) -> String? {
    error?["errors"]?[0]?["reason"]?.string
  }

  // MARK: Errors of the APIs

  static func error(_ response: HTTPResponse, in invocation: Invocation) -> CommandError {
    let error = (try? JSON.parse(response.body))?["error"]
    let message = error?["message"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    let isRate = rateRefusal(response) != nil
    var failure = CommandError.upstream(
      response, message: message,
      outcome: response.status >= 500 ? invocation.outcomeAfterSending : .notApplied,
      remedy: remedy(response.status, reason(error), message ?? "", invocation.commandID))
    if isRate {
      failure.kind = .rateLimited
      failure.isRetryable = true
      failure.retryAfterMilliseconds = rateRefusal(response)?.retryAfterMilliseconds
    }
    return failure
  }

  private static func remedy(
    _ status: Int, _ reason: String?, _ message: String, _ command: String
  ) -> String? {
    if let remedy = remedies.first(where: { message.contains("\($0.text)") })?.remedy {
      return "\(remedy)"
    }
    switch (status, reason) {
    case (401, _): return "Check the credentials of the connection."
    case (403, "insufficientPermissions"):
      return "Grant the scopes that the connection's set-up names, then sign in anew."
    case (403, "accessNotConfigured"), (403, "domainCannotUseApis"):
      return
        "Enable the Gmail API and the Admin SDK API for the project, and API access in the domain."
    case (404, _): return "Take the ids from search_emails with the same user_email."
    case (409, _): return "There is a user with this address already."
    case (412, _): return "The user was made just now; try again in a minute."
    default: return nil
    }
  }

  /// By a part of the message, which tells more than the reason does.
  private static let remedies: [(text: StaticString, remedy: StaticString)] = [
    ("Delegation denied", "Use the mailbox of the user who consented, or a service account."),
    (
      "Precondition check failed",
      "The user has no mailbox: use an address of the domain that has Gmail turned on."
    ),
    ("Not Found: userKey", "Take the user from get_user_list."),
    ("Mail service not enabled", "Turn Gmail on for the user in the Admin console."),
    (
      "Not Authorized to access",
      "Let admin_email be an administrator with the right to manage users."
    ),
    (
      "insufficient authentication scopes",
      "Grant the scopes that the connection's set-up names, then sign in anew."
    ),
    ("Invalid id value", "Take the message ids from search_emails with the same user_email."),
    ("Invalid label", "Take the label ids from list_labels; some cannot be changed."),
  ]

  // MARK: Errors of signing in

  /// Nothing was done for the command; `concernsSignIn` says so.
  ///
  /// - Parameter hasAssertion: whether a service account signs in.
  static func signIn(_ response: HTTPResponse, hasAssertion: Bool) -> CommandError {
    let json = try? JSON.parse(response.body)
    let code = json?["error"]?.string
    let description = json?["error_description"]?.string
    var error = CommandError.upstream(
      response, message: description ?? code,
      remedy: signInRemedy(code, description ?? "", hasAssertion))
    error.concernsSignIn = true
    if (400..<500).contains(response.status), response.status != 429 { error.kind = .auth }
    return error
  }

  private static func signInRemedy(
    _ code: String?, _ description: String, _ hasAssertion: Bool
  ) -> String? {
    switch code {
    case "unauthorized_client", "access_denied":
      return """
        Delegate the domain to the service account's client id, with every scope of the \
        connection's set-up (Admin console, Security, API controls); a change may take a day.
        """
    case "invalid_scope": return "Grant the scope in the Admin console, API controls."
    case "invalid_client": return "Check client_id and client_secret of the connection."
    case "disabled_client": return "Enable the service account, or take another one."
    case "redirect_uri_mismatch":
      return "Let callback_url be the redirect URI that the authorization code was asked for with."
    case "invalid_grant": return invalidGrantRemedy(description, hasAssertion)
    default: return nil
    }
  }

  private static func invalidGrantRemedy(
    _ description: String, _ hasAssertion: Bool
  ) -> String {
    if description.contains("Signature") {
      return "The key was deleted or changed; take a new key file of the service account."
    }
    if description.contains("iat") || description.contains("timeframe") {
      return "Set the clock of this machine; Google takes only assertions of the right time."
    }
    if description.contains("email") || description.contains("User ID") {
      return "Use an address of the domain: of a user who exists and is not suspended."
    }
    if hasAssertion {
      return "Check that the service account exists, and that its key file is the latest one."
    }
    return """
      The refresh token or the authorization code is not good any more: let the user consent again \
      with sallyport auth gmail. (Apps in testing lose them after seven days.)
      """
  }
}
