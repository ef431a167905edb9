import Basics
import HTTPServer

/// The loopback redirect URI of a consent page (RFC 8252 section 7.3). Accepts one response. Other
/// requests, such as for an icon, get 404.
final class ConsentListener: Sendable {
  private let server: HTTPServer
  private static let path = "/"

  /// - Parameter port: 0 for any free one.
  init(port: UInt16, state: String, inbox: ConsentInbox) throws(UsageError) {
    var limits = HTTPServer.Limits()
    limits.connections = 64
    limits.replacesIdleConnections = true
    limits.headBytes = 32 * 1_024
    limits.bodyBytes = 0
    limits.idleSeconds = 10
    do {
      server = try HTTPServer(port: port, limits: limits) { request in
        Self.response(to: request, state, inbox)
      }
    } catch {
      throw UsageError(
        "\(error)", remedy: "Use another --port, or omit it to use a free port.")
    }
  }

  var redirect: String { "http://127.0.0.1:\(server.port)\(Self.path)" }

  func stop() { server.stop() }

  private static func response(
    to request: HTTPServer.Request, _ state: String, _ inbox: ConsentInbox
  ) -> HTTPServer.Response {
    guard request.method == "GET", request.path == path,
      let answer = ConsentAnswer(FormFields(decoding: request.queryText.utf8), state: state)
    else { return .text(404, "Not found.\n") }
    // Any page can redirect a browser here. The state identifies the response to our request.
    if case .wrongState = answer {
      return .text(
        400, "This response belongs to another request. Open the page that was printed last.\n")
    }
    guard inbox.offer(answer, expectsOutcome: true) else {
      return .text(409, "A response was already received.\n")
    }
    let isSuccess = inbox.waitForOutcome()
    var response = ConsentPage.response(isSuccess: isSuccess)
    response.onSent = { inbox.outcomeDelivered() }
    return response
  }
}

/// The final page in the browser. It contains nothing from the request.
private enum ConsentPage {
  static func response(isSuccess: Bool) -> HTTPServer.Response {
    let title = isSuccess ? "Sallyport is signed in" : "Sallyport could not sign in"
    let text = isSuccess ? "It can now act on your behalf." : "The terminal shows the reason."
    var response = HTTPServer.Response.html(
      isSuccess ? 200 : 400,
      """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>\(title)</title>
      <h1>\(title)</h1>
      <p>\(text) You can close this window.
      </html>

      """)
    response.closesConnection = true
    // The address contains the code.
    response.headers.add("Cache-Control", "no-store")
    response.headers.add("Referrer-Policy", "no-referrer")
    response.headers.add("Content-Security-Policy", "default-src 'none'")
    return response
  }
}
