import Basics
import JSON

extension HTTPServer {
  /// What a handler answers with.
  package struct Response: Sendable {
    /// How the answer reaches the client; all but the first two are faults.
    package enum Delivery: Sendable, Equatable {
      case withContentLength
      /// In chunks of so many bytes; to an HTTP/1.0 client with a Content-Length.
      case chunked(bytes: Int)
      /// A Content-Length that is never reached: half of the body, then the end of the connection.
      case droppedHalfway
      /// Nothing: the connection is reset (RST).
      case reset
    }

    package var status: Int
    /// Without Date, Content-Length, Transfer-Encoding and Connection, which the server adds.
    package var headers: Headers
    package var body: [UInt8]
    package var delivery = Delivery.withContentLength
    /// Wait before the first byte of the answer. It ends early when the client goes away.
    package var delayMilliseconds = 0
    package var closesConnection = false
    /// Called when it has been sent, or could not be, so that a listener can stop after it.
    package var whenSent: (@Sendable () -> Void)?

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

    /// The usual words for a status (RFC 9110 section 15).
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
