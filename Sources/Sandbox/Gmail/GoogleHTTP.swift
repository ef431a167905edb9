import Basics
import HTTPServer
import JSON

extension HTTPServer.Request {
  /// `http://HOST`, as the client addressed the server.
  var origin: String {
    let host = headers["Host"] ?? ""
    let isHost = host.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    return "http://" + (isHost && !host.isEmpty ? host : "127.0.0.1")
  }

  /// The request with its overridden verb: clients send a GET with a long query as a POST with the
  /// query in the body.
  var overridden: HTTPServer.Request {
    guard method == "POST", let verb = headers["X-HTTP-Method-Override"] else { return self }
    var request = self
    request.method = verb.uppercased()
    guard headers["Content-Type"]?.hasPrefix("application/x-www-form-urlencoded") ?? false else {
      return request
    }
    let query = String(decoding: body, as: UTF8.self)
    request.queryText = [queryText, query].filter { !$0.isEmpty }.joined(separator: "&")
    request.body = []
    return request
  }
}

extension HTTPServer.Response {
  static func googleJSON(_ status: Int, _ value: JSONFragment) -> HTTPServer.Response {
    HTTPServer.Response(
      status,
      headers: [
        "Content-Type": "application/json; charset=UTF-8",
        "Vary": "Origin, X-Origin, Referer",
      ], body: value.bytes)
  }
}
