import Basics
import HTTP
import IntegrationKit
import JSON
import RateLimits

/// Google's errors: `{"error":{"code","message","errors":[{"reason"}],"status"}}`, with any part
/// missing, and errors of the token endpoint, `{"error","error_description"}` (RFC 6749).
enum GmailErrors {
  // MARK: Rate limits

  /// Google reports an exceeded rate limit as 429, or as 403 with one of `rateReasons`. The message
  /// may contain the time of the next allowed request.
  static func rateRefusal(_ response: HTTPResponse) -> RateRefusal? {
    guard response.status == 429 || response.status == 403 else { return nil }
    let error = try? JSON.parse(response.body)["error"]
    let (reason, message) = (reason(error) ?? "", error?["message"]?.string ?? "")
    let isDaily = dailyReasons.contains(reason) || isOfADay(message)
    guard response.status == 429 || rateReasons.contains(reason) || dailyReasons.contains(reason)
    else { return nil }
    let named = [response.retryAfter, retryAfter(inMessage: message)].compactMap(\.self)
    return RateRefusal(
      retryAfter: named.max(), isRetryable: !isDaily)
  }

  /// A quota of a day is used up until the next one.
  private static let dailyReasons: Set<String> = ["dailyLimitExceeded", "dailyLimitExceededUnreg"]

  /// "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service …"
  private static func isOfADay(_ message: String) -> Bool {
    let lowercase = message.lowercased()
    return lowercase.contains(" per day") || lowercase.hasPrefix("daily ")
  }

  /// `quotaExceeded` is used by the Directory API.
  private static let rateReasons: Set<String> = [
    "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
  ]

  /// "User-rate limit exceeded.  Retry after 2024-11-12T11:16:42.247Z"
  private static func retryAfter(inMessage message: String) -> RetryAfter? {
    guard let start = message.firstRange(of: "Retry after ") else { return nil }
    let instant = message[start.upperBound...].prefix { $0 != " " && $0 != ")" && $0 != "," }
    guard let time = try? Timestamp(reading: String(instant)) else { return nil }
    let wait = time.millisecondsSince1970 - WallClock.nowMilliseconds
    // A time in the past contains no delay.
    return wait > 0 ? RetryAfter(milliseconds: wait) : nil
  }

  private static func reason(_ error: JSON?) -> String? {
    error?["errors"]?[0]?["reason"]?.string
  }

  // MARK: Errors of the APIs

  static func error(_ response: HTTPResponse, in invocation: Invocation) -> CommandError {
    let error = (try? JSON.parse(response.body))?["error"]
    let message = error?["message"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    let refusal = rateRefusal(response)
    return .upstream(
      response, message: message, refusal: refusal,
      outcome: invocation.outcome(afterStatus: response.status),
      remedy: refusal?.isRetryable == false
        ? "Try again on the next day, or raise the quota of the Google Cloud project."
        : remedy(response.status, reason(error), message ?? "", invocation.commandID))
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
      return "Grant the scopes of the connection's setup, then sign in again."
    case (403, "accessNotConfigured"), (403, "domainCannotUseApis"):
      return
        "Enable the Gmail API and the Admin SDK API for the project, and API access for the domain."
    case (404, _): return "Use IDs from search_emails with the same user_email."
    case (409, _): return "A user with this address already exists."
    case (412, _): return "The user was created just now. Try again in a minute."
    default: return nil
    }
  }

  /// Matches part of the message, which is more specific than the reason.
  private static let remedies: [(text: StaticString, remedy: StaticString)] = [
    ("Delegation denied", "Use the mailbox of the user who consented, or a service account."),
    (
      "Precondition check failed",
      "The user has no mailbox. Use an address of the domain with Gmail enabled."
    ),
    ("Not Found: userKey", "Use a user from get_user_list."),
    ("Mail service not enabled", "Enable Gmail for the user in the Admin console."),
    (
      "Not Authorized to access",
      "Set admin_email to an administrator with user management rights."
    ),
    (
      "insufficient authentication scopes",
      "Grant the scopes of the connection's setup, then sign in again."
    ),
    ("Invalid id value", "Use message IDs from search_emails with the same user_email."),
    ("Invalid label", "Use label IDs from list_labels. Some labels cannot be changed."),
  ]

  // MARK: Sign-in errors

  /// Sets `concernsSignIn`: the command itself was not sent.
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
        Delegate domain-wide authority to the client ID of the service account, with every scope \
        of the connection's setup (Admin console, Security, API controls). A change can take a \
        day.
        """
    case "invalid_scope": return "Grant the scope in the Admin console (Security, API controls)."
    case "invalid_client": return "Check client_id and client_secret of the connection."
    case "disabled_client": return "Enable the service account, or use another one."
    case "redirect_uri_mismatch":
      return "Set callback_url to the redirect URI that the authorization code was requested with."
    case "invalid_grant": return invalidGrantRemedy(description, hasAssertion)
    default: return nil
    }
  }

  private static func invalidGrantRemedy(
    _ description: String, _ hasAssertion: Bool
  ) -> String {
    if description.contains("Signature") {
      return "The key was deleted or changed. Use a new key file of the service account."
    }
    if description.contains("iat") || description.contains("timeframe") {
      return "Correct the clock of this machine. Google rejects assertions with a wrong time."
    }
    if description.contains("email") || description.contains("User ID") {
      return "Use the address of an existing user of the domain who is not suspended."
    }
    if hasAssertion {
      return "Check that the service account exists and that its key file is current."
    }
    return """
      The refresh token or the authorization code has expired. Let the user consent again with \
      sallyport auth gmail. (For apps in testing, it expires after seven days.)
      """
  }
}
