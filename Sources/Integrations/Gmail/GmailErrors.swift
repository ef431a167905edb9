import Basics
import HTTP
import IntegrationKit
import JSON
import RateLimits

/// Google's errors: `{"error":{"code","message","errors":[{"reason"}],"status"}}`, with any part
/// missing. Errors of the token endpoint: `SignInError`.
enum GmailErrors {
  // MARK: Rate limits

  /// Google reports an exceeded rate limit as 429, or as 403 with one of `rateReasons`. The message
  /// may contain the time of the next allowed request.
  static func rateRefusal(_ response: HTTPResponse) -> RateRefusal? {
    guard response.status == 429 || response.status == 403 else { return nil }
    let error = try? response.json()["error"]
    let (reasons, message) = (reasons(error), error?["message"]?.string ?? "")
    let namesADay = !dailyReasons.isDisjoint(with: reasons)
    let isDaily = namesADay || isOfADay(message)
    guard response.status == 429 || namesADay || !rateReasons.isDisjoint(with: reasons)
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
    "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED",
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

  /// From `errors`, and from the `ErrorInfo` in `details`, which newer services send alone.
  private static func reasons(_ error: JSON?) -> [String] {
    ["errors", "details"].flatMap { name in
      error?[name].map { list in list.elements.compactMap { $0["reason"]?.string } } ?? []
    }
  }

  // MARK: Errors of the APIs

  /// - Parameter notFound: the remedy if what the request names does not exist; nil for that of the
  ///   command.
  static func error(
    _ response: HTTPResponse, notFound: String? = nil, in invocation: Invocation
  ) -> CommandError {
    let error = (try? response.json())?["error"]
    let message = error?["message"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    let refusal = rateRefusal(response)
    return .upstream(
      response, message: message, refusal: refusal,
      outcome: invocation.outcome(afterStatus: response.status),
      remedy: refusal?.isRetryable == false
        ? "Try again on the next day, or raise the quota of the Google Cloud project."
        : remedy(
          response.status, reasons(error), message ?? "",
          notFound: notFound ?? notFoundRemedy(invocation.commandID),
          isOfTheAPI: error?.kind == .object))
  }

  private static func remedy(
    _ status: Int, _ reasons: [String], _ message: String, notFound: String, isOfTheAPI: Bool
  ) -> String? {
    if let remedy = remedies.first(where: { message.contains("\($0.text)") })?.remedy {
      return "\(remedy)"
    }
    if status == 403, let remedy = reasons.lazy.compactMap({ permissionRemedies[$0] }).first {
      return "\(remedy)"
    }
    switch status {
    case 401: return "Check the credentials of the connection."
    case 404 where !isOfTheAPI:
      return "Check gmail_url, directory_url and api_version of the connection."
    case 404: return notFound
    case 409: return "A user with this address already exists."
    case 412: return "The user was created just now. Try again in a minute."
    default: return nil
    }
  }

  /// What does not exist depends on the command: Google's message is the same for all.
  private static func notFoundRemedy(_ command: String) -> String {
    switch command {
    case "create_user": "Use an address in a domain of the Google Workspace account."
    case "get_user_list":
      "Use my_customer, or a domain or customer ID of the Google Workspace account."
    case "set_user_password", "delete_users": "Use a user from get_user_list."
    case "get_auto_reply", "set_auto_reply", "list_labels", "search_emails", "fetch_event",
      "send_email", "test_connection":
      "The mailbox does not exist. Use an address from get_user_list. With OAuth, use the address "
        + "of the user who consented."
    default: "Use IDs from search_emails with the same user_email."
    }
  }

  /// By reason, for status 403.
  private static let permissionRemedies: [String: StaticString] = [
    "insufficientPermissions": scopeRemedy,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": scopeRemedy,
    "accessNotConfigured": serviceRemedy,
    "SERVICE_DISABLED": serviceRemedy,
    "domainCannotUseApis": serviceRemedy,
    "domainPolicy": """
    The administrator of the domain blocks this API or app. Allow it in the Admin console \
    (Security, API controls, App access control), and turn Gmail on for the user.
    """,
    "CONSUMER_SUSPENDED": projectRemedy,
    "CONSUMER_INVALID": projectRemedy,
    "USER_PROJECT_DENIED": projectRemedy,
    "BILLING_DISABLED": "Enable billing for the Google Cloud project.",
  ]

  private static let scopeRemedy: StaticString =
    "Grant the scopes of the connection's setup, then sign in again."
  private static let serviceRemedy: StaticString =
    "Enable the Gmail API and the Admin SDK API for the project, and API access for the domain."
  private static let projectRemedy: StaticString =
    "Check in Google Cloud that the project of the credentials exists and is not suspended."

  /// Matches part of the message, which is more specific than the reason.
  private static let remedies: [(text: StaticString, remedy: StaticString)] = [
    ("Delegation denied", "Use the mailbox of the user who consented, or a service account."),
    (
      "Precondition check failed",
      "The user has no mailbox. Use an address of the domain with Gmail enabled."
    ),
    ("Not Found: userKey", "Use a user from get_user_list."),
    (
      "Domain not found",
      "Use my_customer, or a domain or customer ID of the Google Workspace account."
    ),
    ("Mail service not enabled", "Enable Gmail for the user in the Admin console."),
    (
      "Not Authorized to access",
      "Set admin_email to an administrator with user management rights."
    ),
    ("insufficient authentication scopes", scopeRemedy),
    ("Invalid id value", "Use message IDs from search_emails with the same user_email."),
    ("Invalid label", "Use label IDs from list_labels. Some labels cannot be changed."),
  ]
}
