import Basics
import HTTPServer
import JSON

/// An answer that is not a success, in the words of the Django REST framework.
struct CODARefusal: Error {
  private(set) var response: HTTPServer.Response

  static func detail(_ status: Int, _ text: String, code: String? = nil) -> CODARefusal {
    let body = JSONFragment { writer in
      writer.object { writer in
        writer.member("detail", text)
        writer.member(ifPresent: "code", code)
      }
    }
    var refusal = CODARefusal(response: .json(status, body))
    if status == 401 {
      refusal.response.headers.add("WWW-Authenticate", "Bearer realm=\"api\"")
    }
    return refusal
  }

  /// 400 with the faults of a body or a query: `{"scope":["This field is required."]}`.
  static func fields(_ faults: [(name: String, message: String)]) -> CODARefusal {
    precondition(!faults.isEmpty, "a refusal without a reason")
    let body = JSONFragment { writer in
      writer.object { writer in
        for fault in faults {
          writer.name(text: fault.name)
          writer.array { $0.string(fault.message) }
        }
      }
    }
    return CODARefusal(response: .json(400, body))
  }

  static let notFound = detail(404, "Not found.")
  static let forbidden = detail(403, "You do not have permission to perform this action.")

  /// Not the API's but the web framework's: a page, not JSON.
  static let noSuchPage = CODARefusal(
    response: .html(
      404,
      """
      <!doctype html>
      <html lang="en">
      <head><title>Not Found</title></head>
      <body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>
      </html>

      """))

  static func verb(_ verb: String, allowed: String) -> CODARefusal {
    var refusal = detail(405, "Method \"\(verb)\" not allowed.")
    refusal.response.headers.add("Allow", allowed == "GET" ? "GET, HEAD" : allowed)
    return refusal
  }

  // MARK: Tokens

  static let noCredentials = detail(401, "Authentication credentials were not provided.")
  static let badAuthorizationHeader = detail(
    401, "Authorization header must contain two space-delimited values",
    code: "bad_authorization_header")
  static let badCredentials = detail(401, "No active account found with the given credentials")
  static let badRefreshToken = detail(401, "Token is invalid or expired", code: "token_not_valid")

  static func badAccessToken(_ message: String) -> CODARefusal {
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
    var refusal = CODARefusal(response: .json(401, body))
    refusal.response.headers.add("WWW-Authenticate", "Bearer realm=\"api\"")
    return refusal
  }

  // MARK: Faults

  /// A gateway's 5xx is a page; everything else is the API's own.
  static func fault(_ status: Int, retryAfterSeconds: Int?) -> CODARefusal {
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
      return CODARefusal(
        response: .html(status, page + "\(status) \(reason)</h1></center></body></html>\n"))
    default: return detail(status, "\(reason).")
    }
  }
}
