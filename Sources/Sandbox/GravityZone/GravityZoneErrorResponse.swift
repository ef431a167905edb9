import Basics
import HTTPServer

/// Error responses of the gateway before the JSON-RPC server, some without a body.
enum GravityZoneErrorResponse {
  static func response(
    _ status: Int, allowed: String = "POST", retryAfterSeconds: Int? = nil
  ) -> HTTPServer.Response {
    var response: HTTPServer.Response
    switch status {
    case 401:
      response = HTTPServer.Response(401)
      response.headers.add("WWW-Authenticate", "Basic realm=\"API\"")
    case 403:
      response = .json(
        403,
        GravityZoneEnvelope.error(
          GravityZoneError(code: -32_000, message: "Server error", details: "Unauthorized."),
          id: nil))
    case 405:
      response = HTTPServer.Response(405)
      response.headers.add("Allow", allowed)
    case 429: response = .text(429, "")
    case 404, 500...599:
      let title = "\(status) \(HTTPServer.Response.reason(status))"
      response = .html(
        status, "<html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>\n")
    default:
      response = .json(
        status,
        GravityZoneEnvelope.error(
          GravityZoneError(
            code: -32_602, message: "Invalid params",
            details: HTTPServer.Response.reason(status) + "."), id: nil))
    }
    if let retryAfterSeconds { response.headers.add("Retry-After", "\(retryAfterSeconds)") }
    return response
  }
}
