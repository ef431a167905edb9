import Basics
import HTTPServer

/// The forms of error responses seen from Google, selected by the reason after a fault's status.
///
/// | status | reason | |
/// |---|---|---|
/// | 429, 403 | `rateLimitExceeded` | the quota; a 403 has the domain `usageLimits` |
/// | 429 | `tooManyConcurrentRequests` | reason `rateLimitExceeded` |
/// | 403, 429 | `userRateLimitExceeded` | the time to retry is only in the message |
/// | 403 | `dailyLimitExceeded`, `quotaExceeded`, `domainPolicy`, `accessNotConfigured` | |
/// | 400 | `failedPrecondition` | the user has no mailbox |
/// | 412 | `conditionNotMet` | a user who was just created |
/// | 500, 503 | `backendError` | |
enum GoogleErrorForm {
  static let reasons = [
    "rateLimitExceeded", "tooManyConcurrentRequests", "userRateLimitExceeded",
    "dailyLimitExceeded", "quotaExceeded", "domainPolicy", "accessNotConfigured",
    "failedPrecondition", "conditionNotMet", "backendError",
  ]
  static let signInReasons = [
    "invalid_grant", "invalid_client", "invalid_request", "invalid_scope", "unauthorized_client",
    "access_denied", "disabled_client", "internal_failure", "server_error",
    "temporarily_unavailable",
  ]

  /// The wait of a user limit if the fault does not name one.
  private static let waitSeconds = 900

  static func response(_ injected: InjectedError) -> HTTPServer.Response {
    var response = injected.isSignIn ? token(injected) : error(injected).response
    // Google puts the wait of this error only into the message.
    if let wait = injected.retryAfterSeconds, injected.reason != "userRateLimitExceeded" {
      response.headers.add("Retry-After", "\(wait)")
    }
    return response
  }

  private static func error(_ injected: InjectedError) -> GoogleAPIError {
    let status = injected.status
    switch injected.reason {
    case "rateLimitExceeded" where status == 403:
      return .error(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
          + "service 'gmail.googleapis.com' for consumer 'project_number:106700000000'.",
        reason: "rateLimitExceeded", domain: "usageLimits")
    case "tooManyConcurrentRequests":
      return .error(
        status, "Too many concurrent requests for user", reason: "rateLimitExceeded")
    case "userRateLimitExceeded":
      let instant = Timestamp.plain(injected.now + (injected.retryAfterSeconds ?? waitSeconds))
      return .error(
        status, "User-rate limit exceeded.  Retry after \(instant).000Z",
        reason: "userRateLimitExceeded", domain: status == 403 ? "usageLimits" : "global")
    case "dailyLimitExceeded":
      return .error(
        status, "Daily Limit Exceeded", reason: "dailyLimitExceeded", domain: "usageLimits")
    case "quotaExceeded":
      return .error(status, "Quota exceeded.", reason: "quotaExceeded", domain: "usageLimits")
    case "domainPolicy":
      return .error(
        status, "The domain administrators have disabled Gmail apps.", reason: "domainPolicy")
    case "accessNotConfigured":
      return .error(
        status, "Gmail API has not been used in project 106700000000 before or it is disabled.",
        reason: "accessNotConfigured", domain: "usageLimits")
    case "failedPrecondition": return .mailOff
    case "conditionNotMet":
      return .error(status, "User creation is not complete.", reason: "conditionNotMet")
    default: return plain(status)
    }
  }

  private static func plain(_ status: Int) -> GoogleAPIError {
    switch status {
    case 400: .invalidArgument("Request contains an invalid argument.")
    case 401: .invalidCredentials
    case 403: .insufficientPermissions
    case 404: .notFound
    case 429:
      .error(
        429, "Resource has been exhausted (e.g. check quota).", reason: "rateLimitExceeded")
    case 500...599: .error(status, "Backend Error", reason: "backendError")
    default: .error(status, HTTPServer.Response.reason(status), reason: "unknown")
    }
  }

  private static func token(_ injected: InjectedError) -> HTTPServer.Response {
    let error: GoogleTokenError
    switch (injected.reason, injected.status) {
    case ("invalid_grant", _): error = .expired
    case ("invalid_client", _): error = .noSuchClient
    case ("unauthorized_client", _): error = .unauthorized
    case (let reason?, _): error = GoogleTokenError(error: reason)
    case (nil, 500...599): error = GoogleTokenError(error: "internal_failure")
    case (nil, 429): error = GoogleTokenError(error: "rate_limit_exceeded")
    case (nil, _): error = .invalidRequest("Bad Request")
    }
    var response = error.response
    response.status = injected.status
    return response
  }
}
