import Basics
import HTTPServer
import JSON

/// An error response, in the words of the Django REST framework.
struct CODAError: Error {
  private(set) var response: HTTPServer.Response

  static func detail(_ status: Int, _ text: String, code: String? = nil) -> CODAError {
    let body = JSONFragment { writer in
      writer.object { writer in
        writer.member("detail", text)
        writer.member(ifPresent: "code", code)
      }
    }
    var error = CODAError(response: .json(status, body))
    if status == 401 {
      error.response.headers.add("WWW-Authenticate", "Bearer realm=\"api\"")
    }
    return error
  }

  /// 400 with the problems of a body or a query: `{"scope":["This field is required."]}`.
  static func fields(_ problems: [(name: String, message: String)]) -> CODAError {
    precondition(!problems.isEmpty, "an error without a problem")
    let body = JSONFragment { writer in
      writer.object { writer in
        for problem in problems {
          writer.name(text: problem.name)
          writer.array { $0.string(problem.message) }
        }
      }
    }
    return CODAError(response: .json(400, body))
  }

  static let notFound = detail(404, "Not found.")
  static let forbidden = detail(403, "You do not have permission to perform this action.")

  /// A page of the web framework, not JSON of the API.
  static let noSuchPage = CODAError(
    response: .html(
      404,
      """
      <!doctype html>
      <html lang="en">
      <head><title>Not Found</title></head>
      <body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>
      </html>

      """))

  static func verb(_ verb: String, allowed: String) -> CODAError {
    var error = detail(405, "Method \"\(verb)\" not allowed.")
    error.response.headers.add("Allow", allowed == "GET" ? "GET, HEAD" : allowed)
    return error
  }

  // MARK: Tokens

  static let noCredentials = detail(401, "Authentication credentials were not provided.")
  static let badAuthorizationHeader = detail(
    401, "Authorization header must contain two space-delimited values",
    code: "bad_authorization_header")
  static let badCredentials = detail(401, "No active account found with the given credentials")
  static let badRefreshToken = detail(401, "Token is invalid or expired", code: "token_not_valid")

  static func badAccessToken(_ message: String) -> CODAError {
    let body = JSONFragment { writer in
      writer.object { writer in
        writer.member("detail", "Given token not valid for any token type")
        writer.member("code", "token_not_valid")
        writer.name("messages")
        writer.array { writer in
          writer.object { writer in
            writer.member("token_class", "AccessToken")
            writer.member("token_type", "access")
            writer.member("message", message)
          }
        }
      }
    }
    var error = CODAError(response: .json(401, body))
    error.response.headers.add("WWW-Authenticate", "Bearer realm=\"api\"")
    return error
  }

  // MARK: Fault injection

  /// 5xx statuses come from a gateway and are pages; all other responses come from the API.
  static func fault(_ status: Int, retryAfterSeconds: Int?) -> CODAError {
    let reason = HTTPServer.Response.reason(status)
    switch status {
    case 401: return badAccessToken("Token is invalid or expired")
    case 402: return detail(402, "Your trial has expired.")
    case 403: return forbidden
    case 404: return notFound
    case 429:
      let wait = retryAfterSeconds.map { " Expected available in \($0) seconds." } ?? ""
      return detail(429, "Request was throttled." + wait)
    case 500, 502, 503, 504:
      let page = "<html><head><title>\(status) \(reason)</title></head><body><center><h1>"
      return CODAError(
        response: .html(status, page + "\(status) \(reason)</h1></center></body></html>\n"))
    default: return detail(status, "\(reason).")
    }
  }
}
