import Basics
import CCurl
import Glibc
import HTTP
import Synchronization

/// HTTP by libcurl. Connections are reused and shared, HTTP/2 is used if the server supports it,
/// and certificates are always verified.
package final class CurlTransport: Transport {
  /// The thread and libcurl are created by the first request.
  private let thread = Mutex<TransferThread?>(nil)

  private let proxies: EnvironmentProxies
  /// Servers that refused HTTP/2 for a request.
  private let http1Servers = Mutex<Set<String>>([])
  private static let maximumHTTP1Servers = 256

  /// - Parameter proxies: of connections that set no proxy.
  package init(_ proxies: EnvironmentProxies = .none) { self.proxies = proxies }

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
    let route = request.isOutsideOrigin ? route.withoutClientCertificate : route
    // Read once: parsing a URL takes as long as sending many options to libcurl.
    let url = BaseURL.of(request.url)
    return try await exchange(
      request, url?.isLoopback == true ? route : withProxy(route, for: request.url),
      to: url?.server ?? "", deadline)
  }

  /// The route to another machine with the proxy of the environment, unless the connection has one.
  private func withProxy(
    _ route: TransportRoute, for url: String
  ) throws(TransportError) -> TransportRoute {
    guard route.proxy == nil else { return route }
    var route = route
    switch proxies.choice(for: url) {
    case .none: break
    case .proxy(let proxy): (route.proxy, route.proxyExceptions) = (proxy, proxies.exceptions)
    case .invalid(let reason):
      throw TransportError(
        .proxy, reason, remedy: "Correct the variable, then restart sallyport.",
        mayHaveArrived: false)
    }
    return route
  }

  private func exchange(
    _ request: HTTPRequest, _ route: TransportRoute, to server: String, _ deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    if deadline.hasPassed {
      throw TransportError(.timedOut, "the deadline has already passed", mayHaveArrived: false)
    }
    let thread = try await startedThread(until: deadline)
    let current = CurrentTransfer()
    let needsHTTP1 = http1Servers.withLock { $0.contains(server) }
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let transfer = Transfer(
          request, route, deadline, needsHTTP1: needsHTTP1, on: thread, continuation)
        current.set(transfer)
        thread.start(transfer)
        if Task.isCancelled { thread.cancel(transfer) }
      }
    } onCancel: {
      if let transfer = current.value { thread.cancel(transfer) }
    }
    if current.value?.refusal == .needsHTTP1 {
      http1Servers.withLock { if $0.count < Self.maximumHTTP1Servers { $0.insert(server) } }
    }
    if case .failure(let error) = outcome { throw await explained(error, route, deadline) }
    return try outcome.get()
  }

  /// The error, with the file and its fault if TLS could not use one.
  private func explained(
    _ error: TransportError, _ route: TransportRoute, _ deadline: Deadline
  ) async -> TransportError {
    guard error.kind == .caFile || error.kind == .clientCertificate else { return error }
    let files = TLSFiles(route)
    let fault = try? await BlockingWork.files.run(until: deadline) {
      error.kind == .caFile
        ? files.authoritiesFault(until: deadline) : files.clientFault(until: deadline)
    }
    guard let fault = fault ?? nil else { return error }
    return TransportError(error.kind, fault.reason, remedy: fault.remedy, mayHaveArrived: false)
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

  /// Follows only repeatable requests: GET, and other methods by 307 or 308. Only a request that
  /// allows it leaves its origin, without credentials; https is never downgraded to http.
  package func next(after request: HTTPRequest, _ response: HTTPResponse) -> HTTPRequest? {
    guard let location = Redirect.location(response),
      let curl = try? CurlLibrary.shared.get(),
      let url = curl.resolve(location, against: request.url),
      let origin = BaseURL.of(request.url), let target = BaseURL.of(url),
      target.isSecure || !origin.isSecure
    else { return nil }
    let isSameOrigin = origin.isSameOrigin(url)
    let keepsMethod = response.status == 307 || response.status == 308
    guard request.method == .get || (isSameOrigin && keepsMethod),
      isSameOrigin || request.mayLeaveOrigin
    else { return nil }
    var next = request
    next.url = url
    next.pathTemplate = .unknown
    if !isSameOrigin {
      next.headers.removeAll(where: \.isSecret)
      next.isOutsideOrigin = true
    }
    return next
  }
}

/// The transfer to abort on cancellation, once it exists.
private final class CurrentTransfer: Sendable {
  private let transfer = Mutex<Transfer?>(nil)

  var value: Transfer? { transfer.withLock { $0 } }
  func set(_ transfer: Transfer) { self.transfer.withLock { $0 = transfer } }
}
