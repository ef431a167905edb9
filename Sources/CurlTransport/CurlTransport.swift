import Basics
import CCurl
import Glibc
import HTTP
import Synchronization

/// HTTP by libcurl: connections are kept and shared, HTTP/2 is used where a server offers it,
/// certificates are always verified.
package final class CurlTransport: Transport {
  /// Redirects that one request follows at most.
  static let maximumRedirects = 5

  /// The thread and the library behind it come with the first request.
  private let thread = Mutex<TransferThread?>(nil)

  package init() {}

  /// Such as `libcurl/7.88.1 OpenSSL/3.0.17 zlib/1.2.13 …`.
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
      throw TransportError(.timedOut, "the deadline had passed", mayHaveArrived: false)
    }
    let thread = try await startedThread(until: deadline)
    let current = Current()
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let transfer = Transfer(request, route, deadline, continuation)
        current.set(transfer)
        thread.start(transfer)
        if Task.isCancelled { thread.cancel(transfer) }
      }
    } onCancel: {
      if let transfer = current.get { thread.cancel(transfer) }
    }
    return try outcome.get()
  }

  /// Opening libcurl with the thirty libraries that it needs blocks, so no task does it.
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
        throw TransportError(
          .unavailable, "no thread to open libcurl: \(String(cString: strerror(code)))",
          mayHaveArrived: false)
      }
    }
    return try started.get()
  }

  /// The request that a redirect asks for, or nil when the answer is to be taken as it is.
  ///
  /// Only what can be repeated is: a GET anywhere, another method at the same origin by 307 or 308.
  /// Credentials stay with the origin that they were meant for, and nothing goes from https to
  /// http.
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

/// The transfer that a cancellation has to end, once there is one.
private final class Current: Sendable {
  private let transfer = Mutex<Transfer?>(nil)

  var get: Transfer? { transfer.withLock { $0 } }
  func set(_ transfer: Transfer) { self.transfer.withLock { $0 = transfer } }
}
