import Basics
import HTTPServer
import JSON

/// An error response of the APIs.
struct GoogleAPIError: Error {
  private(set) var response: HTTPServer.Response

  /// - Parameters:
  ///   - domain: `usageLimits` for some limits.
  ///   - location: the header or parameter that caused the error.
  static func error(
    _ code: Int, _ message: String, reason: String, domain: String = "global",
    location: (name: String, type: String)? = nil
  ) -> GoogleAPIError {
    let body = JSONFragment { writer in
      writer.object { writer in
        writer.name("error")
        writer.object { writer in
          writer.member("code", code)
          writer.member("message", message)
          writer.name("errors")
          writer.array { writer in
            writer.object { writer in
              writer.member("message", message)
              writer.member("domain", domain)
              writer.member("reason", reason)
              writer.member(ifPresent: "location", location?.name)
              writer.member(ifPresent: "locationType", location?.type)
            }
          }
          writer.member(ifPresent: "status", statusName(code, reason))
        }
      }
    }
    var error = GoogleAPIError(response: .googleJSON(code, body))
    if code == 401 {
      error.response.headers.add(
        "WWW-Authenticate", "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""
      )
    }
    return error
  }

  private static func statusName(_ code: Int, _ reason: String) -> String? {
    switch (code, reason) {
    case (400, "failedPrecondition"): "FAILED_PRECONDITION"
    case (400, _): "INVALID_ARGUMENT"
    case (401, _): "UNAUTHENTICATED"
    case (403, _): "PERMISSION_DENIED"
    case (404, _): "NOT_FOUND"
    case (409, _): "ALREADY_EXISTS"
    case (429, _): "RESOURCE_EXHAUSTED"
    case (500, _): "INTERNAL"
    case (503, _): "UNAVAILABLE"
    default: nil
    }
  }

  static func invalidArgument(_ message: String) -> GoogleAPIError {
    error(400, message, reason: "invalidArgument")
  }

  // MARK: Authorization

  static let loginRequired = error(
    401, "Login Required.", reason: "required", location: ("Authorization", "header"))
  static let invalidCredentials = error(
    401, "Invalid Credentials", reason: "authError", location: ("Authorization", "header"))
  static let insufficientPermissions = error(
    403, "Request had insufficient authentication scopes.", reason: "insufficientPermissions")
  static func delegationDenied(_ caller: String) -> GoogleAPIError {
    error(403, "Delegation denied for \(caller)", reason: "forbidden")
  }
  /// A service account without a subject has no mailbox.
  static let noMailbox = error(400, "Precondition check failed.", reason: "failedPrecondition")
  static let mailOff = error(400, "Mail service not enabled", reason: "failedPrecondition")

  // MARK: Mail

  static let invalidID = invalidArgument("Invalid id value")
  static let notFound = error(404, "Requested entity was not found.", reason: "notFound")
  static func invalidLabel(_ id: String) -> GoogleAPIError {
    invalidArgument("Invalid label: \(id)")
  }

  // MARK: Directory

  static let notAuthorized = error(
    403, "Not Authorized to access this resource/api", reason: "forbidden")
  static let noSuchUser = error(404, "Resource Not Found: userKey", reason: "notFound")
  static let duplicate = error(409, "Entity already exists.", reason: "duplicate")
  static func invalidInput(_ message: String) -> GoogleAPIError {
    error(400, message, reason: "invalid")
  }

  /// A page of the front end, not JSON of the APIs.
  static let noSuchPage = GoogleAPIError(
    response: .html(
      404,
      """
      <!DOCTYPE html>
      <html lang=en>
        <title>Error 404 (Not Found)!!1</title>
        <p><b>404.</b> <ins>That's an error.</ins>
        <p>The requested URL was not found on this server. <ins>That's all we know.</ins>

      """))
}
