import Basics
import CCurl
import Glibc
import HTTP
import Synchronization

/// HTTP by libcurl. Connections are reused and shared, HTTP/2 is used if the server supports it,
/// and certificates are always verified.
package final class CurlTransport: Transport {
  /// Maximum number of redirects per request.
  static let maximumRedirects = 5

  /// The thread and libcurl are created by the first request.
  private let thread = Mutex<TransferThread?>(nil)

  package init() {}

  /// For example `libcurl/7.88.1 OpenSSL/3.0.17 zlib/1.2.13 …`.
  package static func version() throws(TransportError) -> String {
    do throws(CurlLibrary.LoadError) {
      return String(cString: try CurlLibrary.shared.get().version())
    } catch {
      throw TransportError(.unavailable, error.reason, mayHaveArrived: false)
    }
  }

  package func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    var request = request
    for _ in 0...Self.maximumRedirects {
      let response = try await exchange(request, route, deadline)
      guard let next = Self.redirected(request, by: response) else { return response }
      request = next
    }
    throw TransportError(
      .tooManyRedirects, "more than \(Self.maximumRedirects) redirects", mayHaveArrived: false)
  }

  private func exchange(
    _ request: HTTPRequest, _ route: TransportRoute, _ deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    if deadline.hasPassed {
      throw TransportError(.timedOut, "the deadline has already passed", mayHaveArrived: false)
    }
    let thread = try await startedThread(until: deadline)
    let current = CurrentTransfer()
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let transfer = Transfer(request, route, deadline, continuation)
        current.set(transfer)
        thread.start(transfer)
        if Task.isCancelled { thread.cancel(transfer) }
      }
    } onCancel: {
      if let transfer = current.value { thread.cancel(transfer) }
    }
    return try outcome.get()
  }

  /// Opening libcurl loads thirty libraries, which blocks: no task does it.
  private func startedThread(until deadline: Deadline) async throws(TransportError)
    -> TransferThread
  {
    if let thread = thread.withLock({ $0 }) { return thread }
    let started: Result<TransferThread, TransportError>
    do throws(BlockingWork.Interruption) {
      // In a lane of one thread: of many first requests one starts it.
      started = try await BlockingWork.libraries.run(until: deadline) { [self] in
        Result { () throws(TransportError) in
          if let thread = thread.withLock({ $0 }) { return thread }
          let started = try TransferThread()
          thread.withLock { $0 = started }
          return started
        }
      }
    } catch {
      switch error {
      case .deadline:
        throw TransportError(.timedOut, "libcurl was not opened in time", mayHaveArrived: false)
      case .cancelled:
        throw TransportError(.cancelled, "the request was cancelled", mayHaveArrived: false)
      case .noThread(let code):
        throw TransferThread.refusal(code)
      }
    }
    return try started.get()
  }

  /// The request that follows a redirect; nil if the response is final.
  ///
  /// Follows only repeatable requests: GET to any origin, other methods by 307 or 308 at the same
  /// origin. Credentials are sent only to their own origin, and https is never downgraded to http.
  static func redirected(_ request: HTTPRequest, by response: HTTPResponse) -> HTTPRequest? {
    guard [301, 302, 303, 307, 308].contains(response.status),
      let location = response.header("location"),
      let curl = try? CurlLibrary.shared.get(),
      let url = curl.resolve(location, against: request.url),
      let origin = BaseURL.of(request.url), let target = BaseURL.of(url),
      target.isSecure || !origin.isSecure
    else { return nil }
    let isSameOrigin = origin.isSameOrigin(url)
    let keepsMethod = response.status == 307 || response.status == 308
    guard request.method == .get || (isSameOrigin && keepsMethod) else { return nil }
    var next = request
    next.url = url
    if !isSameOrigin { next.headers.removeAll(where: \.isSecret) }
    return next
  }
}

/// The transfer to abort on cancellation, once it exists.
private final class CurrentTransfer: Sendable {
  private let transfer = Mutex<Transfer?>(nil)

  var value: Transfer? { transfer.withLock { $0 } }
  func set(_ transfer: Transfer) { self.transfer.withLock { $0 = transfer } }
}
