import Glibc

/// Writes responses to a connection, head and body in one write.
struct ResponseWriter {
  private let socket: Socket
  private var output: [UInt8] = []

  init(socket: Socket) { self.socket = socket }

  /// - Parameters:
  ///   - hasBody: false for the response to HEAD, which has the same headers as a response with
  ///     body.
  ///   - saysKeepAlive: for HTTP/1.0, where keep-alive is not the default.
  /// - Returns: false if the client has disconnected.
  mutating func write(
    _ response: HTTPServer.Response, hasBody: Bool, keepsAlive: Bool, saysKeepAlive: Bool = false
  ) -> Bool {
    output.removeAll(keepingCapacity: true)
    let allowsBody = response.status != 204 && response.status != 304
    precondition(allowsBody || response.body.isEmpty, "this status does not allow a body")
    append("HTTP/1.1 \(response.status) \(HTTPServer.Response.reason(response.status))\r\n")
    append("Date: \(HTTPDate.text(ofUnixSeconds: time(nil)))\r\n")
    for field in response.headers.fields {
      precondition(
        !(field.name + field.value).utf8.contains { $0 < 0x20 }, "control character in a header")
      append("\(field.name): \(field.value)\r\n")
    }
    if !keepsAlive { append("Connection: close\r\n") }
    if keepsAlive && saysKeepAlive { append("Connection: keep-alive\r\n") }
    if allowsBody { append("\(Self.framing(response))\r\n") }
    append("\r\n")
    if hasBody && allowsBody { appendBody(response) }
    return socket.send(output[...])
  }

  private static func framing(_ response: HTTPServer.Response) -> String {
    switch response.delivery {
    case .chunked: "Transfer-Encoding: chunked"
    // Announces one byte more than is sent, also for an empty body.
    case .droppedHalfway: "Content-Length: \(max(response.body.count, 1))"
    case .withContentLength, .reset: "Content-Length: \(response.body.count)"
    }
  }

  private mutating func appendBody(_ response: HTTPServer.Response) {
    switch response.delivery {
    case .withContentLength: output += response.body
    case .droppedHalfway: output += response.body.prefix(response.body.count / 2)
    case .chunked(let bytes):
      var rest = response.body[...]
      while !rest.isEmpty {
        let chunk = rest.prefix(max(bytes, 1))
        append("\(String(chunk.count, radix: 16))\r\n")
        output += chunk
        append("\r\n")
        rest = rest.dropFirst(chunk.count)
      }
      append("0\r\n\r\n")
    case .reset: break
    }
  }

  private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  static func text(ofUnixSeconds seconds: Int) -> String {
    var seconds = seconds
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(pad).joined(separator: ":")
    return "\(days[Int(parts.tm_wday)]), \(pad(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
      + "\(parts.tm_year + 1900) \(clock) GMT"
  }

  private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
