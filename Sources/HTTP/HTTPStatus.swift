/// The reason phrases of HTTP status codes (RFC 9110 section 15, RFC 6585), for messages to people.
public enum HTTPStatus {
  /// Whether a repetition may succeed. 520 to 524: a gateway got no usable response.
  public static func isTransient(_ status: Int) -> Bool {
    switch status {
    case 408, 429, 500, 502, 503, 504, 520...524: true
    default: false
    }
  }

  /// Whether a request with this status may have been applied. 408 and 5xx may come from a gateway
  /// that gave up waiting.
  public static func leavesOutcomeOpen(_ status: Int) -> Bool { status >= 500 || status == 408 }

  public static func reason(_ status: Int) -> String {
    switch status {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 300..<400: "Redirect"
    case 400..<500: "Client Error"
    case 500..<600: "Server Error"
    default: "Status \(status)"
    }
  }
}
