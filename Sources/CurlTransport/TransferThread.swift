import Basics
import CCurl
import HTTP
import Synchronization

/// The thread that owns libcurl's multi handle. Others hand transfers over and wake it.
final class TransferThread: Sendable {
  /// Idle easy handles that are kept for further transfers.
  private static let idleHandles = 64
  /// Idle connections that are kept open.
  private static let idleConnections = 128
  private static let pollMilliseconds: Int32 = 60_000

  private struct Inbox {
    var starting: [Transfer] = []
    var cancelling: [Transfer] = []
    /// For waking; nil until the thread runs.
    var multi: Handle?
  }

  /// libcurl promises that `curl_multi_wakeup` may be called from any thread.
  private struct Handle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
  }

  private let curl: CurlLibrary
  private let inbox = Mutex(Inbox())

  init(_ curl: CurlLibrary) {
    self.curl = curl
    NamedThread.start("http") { [self] in run() }
  }

  func start(_ transfer: Transfer) { send { $0.starting.append(transfer) } }

  func cancel(_ transfer: Transfer) {
    transfer.markCancelled()
    send { $0.cancelling.append(transfer) }
  }

  private func send(_ change: (inout Inbox) -> Void) {
    let multi = inbox.withLock { inbox in
      change(&inbox)
      return inbox.multi
    }
    if let multi { _ = curl.multiWakeup(multi.pointer) }
  }

  // MARK: On the thread

  private func run() {
    guard let multi = curl.multiInit() else { preconditionFailure("libcurl has no memory left") }
    _ = sallyport_multi_setopt_long(
      curl.multiSetOption, multi, CURLMOPT_MAXCONNECTS, Self.idleConnections)
    inbox.withLock { $0.multi = Handle(pointer: multi) }
    var running: [UnsafeMutableRawPointer: Transfer] = [:]
    var idle: [UnsafeMutableRawPointer] = []
    while true {
      let (starting, cancelling) = inbox.withLock { inbox in
        defer { (inbox.starting, inbox.cancelling) = ([], []) }
        return (inbox.starting, inbox.cancelling)
      }
      for transfer in starting { begin(transfer, multi, &running, &idle) }
      for transfer in cancelling {
        guard let easy = running.first(where: { $0.value === transfer })?.key else { continue }
        let hasSent = hasSent(easy)
        end(easy, multi, &running, &idle)
        transfer.finish(
          .failure(
            TransportError(.cancelled, "the request was cancelled", mayHaveArrived: hasSent)))
      }
      var active: Int32 = 0
      _ = curl.multiPerform(multi, &active)
      while let message = nextMessage(multi) {
        guard let transfer = running[message.easy] else { continue }
        let outcome = outcome(message.code, message.easy, transfer)
        end(message.easy, multi, &running, &idle)
        transfer.finish(outcome)
      }
      _ = curl.multiPoll(multi, nil, 0, Self.pollMilliseconds, nil)
    }
  }

  private func begin(
    _ transfer: Transfer, _ multi: UnsafeMutableRawPointer,
    _ running: inout [UnsafeMutableRawPointer: Transfer], _ idle: inout [UnsafeMutableRawPointer]
  ) {
    if transfer.isCancelled {
      transfer.finish(
        .failure(TransportError(.cancelled, "the request was cancelled", mayHaveArrived: false)))
      return
    }
    guard let easy = idle.popLast() ?? curl.easyInit() else {
      transfer.finish(
        .failure(
          TransportError(.unavailable, "libcurl has no memory left", mayHaveArrived: false)))
      return
    }
    TransferOptions(curl: curl, easy: easy).apply(transfer)
    running[easy] = transfer
    _ = curl.multiAdd(multi, easy)
  }

  /// Takes a transfer out of libcurl, which aborts it when it is still going on.
  private func end(
    _ easy: UnsafeMutableRawPointer, _ multi: UnsafeMutableRawPointer,
    _ running: inout [UnsafeMutableRawPointer: Transfer], _ idle: inout [UnsafeMutableRawPointer]
  ) {
    _ = curl.multiRemove(multi, easy)
    if let transfer = running.removeValue(forKey: easy) {
      curl.listFree(transfer.headerList)
      transfer.headerList = nil
    }
    if idle.count < Self.idleHandles {
      curl.easyReset(easy)
      idle.append(easy)
    } else {
      curl.easyCleanup(easy)
    }
  }

  private func nextMessage(
    _ multi: UnsafeMutableRawPointer
  ) -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
    var remaining: Int32 = 0
    while let message = curl.multiInfoRead(multi, &remaining) {
      if message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle {
        return (easy, message.pointee.data.result)
      }
    }
    return nil
  }

  // MARK: Outcomes

  private func outcome(
    _ code: CURLcode, _ easy: UnsafeMutableRawPointer, _ transfer: Transfer
  ) -> Transfer.Outcome {
    let hasSent = hasSent(easy)
    if code == CURLE_OK {
      // libcurl takes a connection that ends between two headers for the end of the answer.
      guard transfer.hasWholeHead else {
        return .failure(
          TransportError(
            .interrupted, "the answer broke off in its headers", mayHaveArrived: hasSent))
      }
      return .success(transfer.response(status: info(CURLINFO_RESPONSE_CODE, easy)))
    }
    let kind =
      transfer.isTooLarge
      ? TransportError.Kind.responseTooLarge : CurlErrorKind.kind(of: code, hasSent: hasSent)
    return .failure(
      TransportError(kind, reason(kind, code, transfer), mayHaveArrived: hasSent))
  }

  private func reason(
    _ kind: TransportError.Kind, _ code: CURLcode, _ transfer: Transfer
  ) -> String {
    if kind == .responseTooLarge {
      return "the answer is larger than \(transfer.route.maximumResponseBytes) bytes"
    }
    let detail = String(cString: transfer.errorText)
    return detail.isEmpty ? String(cString: curl.easyError(code)) : detail
  }

  /// Whether anything of the request has gone towards the vendor. What libcurl counts as request
  /// bytes includes a CONNECT to a proxy, which comes before it is ready for the transfer.
  private func hasSent(_ easy: UnsafeMutableRawPointer) -> Bool {
    var readyMicroseconds: curl_off_t = 0
    _ = sallyport_getinfo_offset(
      curl.getInfo, easy, CURLINFO_PRETRANSFER_TIME_T, &readyMicroseconds)
    return readyMicroseconds > 0 && info(CURLINFO_REQUEST_SIZE, easy) > 0
  }

  private func info(_ info: CURLINFO, _ easy: UnsafeMutableRawPointer) -> Int {
    var value = 0
    _ = sallyport_getinfo_long(curl.getInfo, easy, info, &value)
    return value
  }
}

/// libcurl's error codes (libcurl-errors(3)) by what they mean for a retry.
enum CurlErrorKind {
  static func kind(of code: CURLcode, hasSent: Bool) -> TransportError.Kind {
    let kind = kind(of: code)
    // An answer that is not HTTP has the code of a URL that is not, and a proxy that refuses the
    // tunnel that of a broken connection.
    if kind == .cannotConnect && hasSent { return .interrupted }
    if kind == .interrupted && !hasSent { return .cannotConnect }
    return kind
  }

  private static func kind(of code: CURLcode) -> TransportError.Kind {
    switch code {
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
      CURLE_PROXY, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
      .cannotConnect
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
      .tls
    case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN: .unavailable
    default: .interrupted
    }
  }
}
