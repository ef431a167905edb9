import Basics
import HTTPServer

/// Where a consent page sends the browser: a listener on this machine (RFC 8252 section 7.3). It
/// takes one answer; what else a browser asks for, such as an icon, is not found.
final class ConsentListener: Sendable {
  private let server: HTTPServer
  private static let path = "/"

  /// - Parameter port: 0 for any free one.
  init(port: UInt16, state: String, inbox: ConsentInbox) throws(UsageError) {
    var limits = HTTPServer.Limits()
    limits.connections = 16
    limits.headBytes = 32 * 1_024
    limits.bodyBytes = 0
    limits.idleSeconds = 10
    do {
      server = try HTTPServer(port: port, limits: limits) { request in
        Self.response(to: request, state, inbox)
      }
    } catch {
      throw UsageError(
        "\(error)", remedy: "Give another port with --port, or leave it out for a free one.")
    }
  }

  var redirect: String { "http://127.0.0.1:\(server.port)\(Self.path)" }

  func stop() { server.stop() }

  private static func response(
    to request: HTTPServer.Request, _ state: String, _ inbox: ConsentInbox
  ) -> HTTPServer.Response {
    guard request.method == "GET", request.path == path,
      let answer = ConsentAnswer(FormFields(decoding: request.queryText.utf8), state: state)
    else { return .text(404, "There is nothing here.\n") }
    // Any page can send a browser here: only the answer to this question counts.
    if case .wrongState = answer {
      return .text(400, "That belongs to another request. Open the page that was printed last.\n")
    }
    guard inbox.offer(answer, isTold: true) else {
      return .text(409, "There was an answer already.\n")
    }
    let isGood = inbox.waitForOutcome()
    var response = ConsentPage.response(isGood: isGood)
    response.onSent = { inbox.told() }
    return response
  }
}

/// What the browser shows in the end. Nothing that came with the request is in it.
private enum ConsentPage {
  static func response(isGood: Bool) -> HTTPServer.Response {
    let title = isGood ? "Sallyport may act for you now" : "Sallyport was not let in"
    let text = isGood ? "It is signed in." : "It says why in the terminal."
    var response = HTTPServer.Response.html(
      isGood ? 200 : 400,
      """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>\(title)</title>
      <h1>\(title)</h1>
      <p>\(text) You can close this window.
      </html>

      """)
    response.closesConnection = true
    // The address has the code in it.
    response.headers.add("Cache-Control", "no-store")
    response.headers.add("Referrer-Policy", "no-referrer")
    response.headers.add("Content-Security-Policy", "default-src 'none'")
    return response
  }
}
