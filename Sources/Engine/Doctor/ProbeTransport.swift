import Basics
import HTTP
import Synchronization

/// The transport of a connection that is examined: it sends reads and one sign-in, and nothing after a
/// 401.
///
/// What it does not send gets the outcome of the request that it would repeat, so that the integration
/// explains that one.
final class ProbeTransport: Transport {
  private struct State {
    var signIn: Result<HTTPResponse, TransportError>?
    /// The first response with 401.
    var refusal: HTTPResponse?
  }

  private let base: any Transport
  private let state = Mutex(State())

  init(_ base: any Transport) { self.base = base }

  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    let known = state.withLock { state -> Result<HTTPResponse, TransportError>? in
      state.refusal.map { .success($0) } ?? (request.isSecret ? state.signIn : nil)
    }
    if let known { return try known.get() }
    guard request.isSecret || request.isSideEffectFree else {
      throw TransportError(
        .cancelled, "an examination changes nothing", mayHaveArrived: false)
    }
    let result: Result<HTTPResponse, TransportError>
    do throws(TransportError) {
      result = .success(try await base.send(request, through: route, deadline: deadline))
    } catch {
      result = .failure(error)
    }
    state.withLock { state in
      if request.isSecret { state.signIn = result }
      if case .success(let response) = result, response.status == 401 { state.refusal = response }
    }
    return try result.get()
  }

  func next(after request: HTTPRequest, _ response: HTTPResponse) -> HTTPRequest? {
    base.next(after: request, response)
  }
}
