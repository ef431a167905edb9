import Basics
import JSON

extension HTTPServer {
  /// The response of a handler.
  package struct Response: Sendable {
    /// How the response is delivered. All cases except the first two inject faults.
    package enum Delivery: Sendable, Equatable {
      case withContentLength
      /// Chunks of this size; for HTTP/1.0 clients, a Content-Length instead.
      case chunked(bytes: Int)
      /// An incomplete body: half of the announced Content-Length, then the connection is closed.
      case droppedHalfway
      /// No response: the connection is reset (RST).
      case reset
    }

    package var status: Int
    /// Without Date, Content-Length, Transfer-Encoding and Connection, which the server adds.
    package var headers: Headers
    package var body: [UInt8]
    package var delivery = Delivery.withContentLength
    /// Delay before the first byte of the response. Ends early if the client disconnects.
    package var delayMilliseconds = 0
    package var closesConnection = false
    /// Called after the response was sent or failed, for example to stop the server.
    package var onSent: (@Sendable () -> Void)?

    package init(_ status: Int, headers: Headers = Headers(), body: [UInt8] = []) {
      precondition((200...599).contains(status), "not a final status")
      self.status = status
      self.headers = headers
      self.body = body
    }

    package static func json(_ status: Int, _ value: JSONFragment) -> Response {
      Response(status, headers: ["Content-Type": "application/json"], body: value.bytes)
    }

    package static func text(_ status: Int, _ text: String) -> Response {
      Response(
        status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
    }

    package static func html(_ status: Int, _ text: String) -> Response {
      Response(
        status, headers: ["Content-Type": "text/html; charset=utf-8"], body: Array(text.utf8))
    }

    /// The reason phrase of a status (RFC 9110 section 15).
    package static func reason(_ status: Int) -> String {
      switch status {
      case 200: "OK"
      case 201: "Created"
      case 202: "Accepted"
      case 203: "Non-Authoritative Information"
      case 204: "No Content"
      case 301: "Moved Permanently"
      case 302: "Found"
      case 304: "Not Modified"
      case 307: "Temporary Redirect"
      case 308: "Permanent Redirect"
      case 400: "Bad Request"
      case 401: "Unauthorized"
      case 402: "Payment Required"
      case 403: "Forbidden"
      case 404: "Not Found"
      case 405: "Method Not Allowed"
      case 406: "Not Acceptable"
      case 408: "Request Timeout"
      case 409: "Conflict"
      case 411: "Length Required"
      case 412: "Precondition Failed"
      case 413: "Content Too Large"
      case 415: "Unsupported Media Type"
      case 417: "Expectation Failed"
      case 429: "Too Many Requests"
      case 431: "Request Header Fields Too Large"
      case 500: "Internal Server Error"
      case 501: "Not Implemented"
      case 502: "Bad Gateway"
      case 503: "Service Unavailable"
      case 504: "Gateway Timeout"
      case 505: "HTTP Version Not Supported"
      default: "Status \(status)"
      }
    }
  }
}
