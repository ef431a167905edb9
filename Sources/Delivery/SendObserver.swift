import Basics
import HTTP

/// Is notified of what a sender does for an invocation, as it happens. Calls may be concurrent.
package protocol SendObserver: AnyObject, Sendable {
  /// The invocation's position in a trace.
  var trace: TraceContext { get }

  /// An HTTP request was sent, or could not be sent.
  func attempted(_ attempt: HTTPAttempt)
  /// A wait for a rate limit starts. `waited` reports its end.
  func waitsForRateLimit()
  /// A wait ended, with or without success.
  func waited(_ wait: SendWait)
}

/// One HTTP request and its response or error. It has no argument values.
package struct HTTPAttempt: Sendable {
  package enum Result: Sendable {
    case status(Int)
    case error(TransportError.Kind)
  }

  package let method: HTTPRequest.Method
  package let result: Result
  package let start: MonotonicTime
  package let end: MonotonicTime
  /// From 1. Retries count it up; a redirect has the number of its request.
  package let number: Int
  /// Whether a sign-in sent it, on behalf of the invocation.
  package let isPartOfSignIn: Bool
  private let request: HTTPRequest

  init(
    _ request: HTTPRequest, _ result: Result, start: MonotonicTime, end: MonotonicTime, number: Int,
    isPartOfSignIn: Bool
  ) {
    method = request.method
    self.result = result
    self.start = start
    self.end = end
    self.number = number
    self.isPartOfSignIn = isPartOfSignIn
    self.request = request
  }

  /// The host and port; nil for an invalid URL.
  package var server: (host: String, port: Int)? {
    BaseURL.of(request.url).map { ($0.host, $0.port) }
  }

  /// The path with `{}` in place of values.
  package var pathTemplate: String { request.templatedPath }
}

/// A wait before a request.
package struct SendWait: Sendable {
  package enum Reason: Sendable {
    /// For a slot of the connection, or for memory of results.
    case queue
    /// For a credential or a secret. Shared if another invocation had begun to get it.
    case signIn(isShared: Bool)
    /// For a secret that a program or a file gives.
    case secret
    case rateLimit(bucket: String)
    /// Before a retry.
    case backOff

    /// The member of `spent_ms` that it counts for.
    package var name: StaticString {
      switch self {
      case .queue: "queue"
      case .signIn, .secret: "sign_in"
      case .rateLimit: "rate_limit"
      case .backOff: "back_off"
      }
    }
  }

  package let reason: Reason
  package let start: MonotonicTime
  package let end: MonotonicTime
  /// Whether a sign-in waited, on behalf of the invocation.
  package let isPartOfSignIn: Bool
}

extension Sender {
  /// Notifies the observer of a wait that ends now.
  func observe(_ reason: @autoclosure () -> SendWait.Reason, since start: MonotonicTime) {
    guard let observer else { return }
    observer.waited(
      SendWait(
        reason: reason(), start: start, end: time.now, isPartOfSignIn: isSignIn))
  }

  /// The same, for what usually takes no time: less than a millisecond is no wait.
  package func observeIfLong(
    _ reason: @autoclosure () -> SendWait.Reason, since start: MonotonicTime
  ) {
    if isLong(since: start) { observe(reason(), since: start) }
  }

  func isLong(since start: MonotonicTime) -> Bool {
    observer != nil && time.now.nanoseconds - start.nanoseconds >= 1_000_000
  }

  func observe(
    _ request: HTTPRequest, _ result: HTTPAttempt.Result, since start: MonotonicTime, number: Int
  ) {
    guard let observer else { return }
    observer.attempted(
      HTTPAttempt(
        request, result, start: start, end: time.now, number: number, isPartOfSignIn: isSignIn))
  }
}
