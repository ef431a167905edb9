import Basics
import HTTP
import Synchronization

/// A transport whose responses a test decides.
package final class ScriptedTransport: Transport {
  package typealias Script =
    @Sendable (_ request: HTTPRequest, _ number: Int) async throws(TransportError) -> HTTPResponse

  package struct Attempt: Sendable {
    package let request: HTTPRequest
    package let deadline: Deadline
  }

  private let script: Script
  private let sent = Mutex<[Attempt]>([])

  /// - Parameter script: called per attempt, with its number from 1.
  package init(_ script: @escaping Script) { self.script = script }

  /// One result per attempt; the last one is repeated.
  package convenience init(_ results: [Result<HTTPResponse, TransportError>]) {
    self.init { (_, number) throws(TransportError) in
      try results[min(number, results.count) - 1].get()
    }
  }

  package convenience init(statuses: Int...) {
    self.init(statuses.map { .success(HTTPResponse(status: $0)) })
  }

  package var attempts: [Attempt] { sent.withLock { $0 } }

  package func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    let number = sent.withLock { sent in
      sent.append(Attempt(request: request, deadline: deadline))
      return sent.count
    }
    return try await script(request, number)
  }
}

extension HTTPResponse {
  package init(status: Int, headers: [(name: String, value: String)] = [], text: String = "") {
    self.init(status: status, headers: headers, body: Array(text.utf8))
  }
}
