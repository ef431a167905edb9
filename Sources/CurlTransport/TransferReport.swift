import Basics
import CCurl
import Glibc
import HTTP

/// What libcurl reports of a transfer that has ended.
struct TransferReport {
  private let code: CURLcode
  private let curl: CurlLibrary
  private let easy: UnsafeMutableRawPointer
  private let transfer: Transfer

  /// - Parameter code: nil for a transfer that is aborted.
  init(
    _ code: CURLcode?, _ curl: CurlLibrary, _ easy: UnsafeMutableRawPointer, _ transfer: Transfer
  ) {
    self.code = code ?? CURLE_ABORTED_BY_CALLBACK
    (self.curl, self.easy, self.transfer) = (curl, easy, transfer)
  }

  var outcome: Transfer.Outcome {
    guard code == CURLE_OK else { return .failure(error) }
    let status = info(CURLINFO_RESPONSE_CODE)
    // Of a proxy that forwards without a tunnel.
    if let refusal = proxyRefusal(status: status == 407 ? status : 0) { return .failure(refusal) }
    // libcurl treats a connection that closes between two headers as the end of the response.
    guard transfer.isHeadComplete else {
      return .failure(
        TransportError(
          .interrupted, "the response ended inside its headers", mayHaveArrived: hasSent))
    }
    return .success(transfer.response(status: status))
  }

  /// Whether any byte of the request has been sent to the vendor, who may have processed it. libcurl's
  /// count includes a CONNECT to a proxy, which it sends before the pretransfer time.
  var hasSent: Bool {
    var readyMicroseconds: curl_off_t = 0
    _ = sallyport_getinfo_offset(
      curl.getInfo, easy, CURLINFO_PRETRANSFER_TIME_T, &readyMicroseconds)
    return readyMicroseconds > 0 && info(CURLINFO_REQUEST_SIZE) > 0 && transfer.refusal == nil
  }

  // MARK: Errors

  private var error: TransportError {
    if let excess = transfer.excess {
      return TransportError(.responseTooLarge, excess, mayHaveArrived: hasSent)
    }
    let proxy = proxyRefusal(status: info(CURLINFO_HTTP_CONNECTCODE))
    if let error = repetition ?? shortage ?? tlsRefusal ?? proxy ?? undecodable { return error }
    let kind = CurlErrorKind.kind(of: code, hasSent: hasSent)
    let reason =
      kind == .responseTooLarge
      ? "the response is larger than \(transfer.route.maximumResponseBytes) bytes" : text
    return TransportError(kind, reason, mayHaveArrived: hasSent)
  }

  private var text: String {
    let detail = String(cString: transfer.errorText)
    // The first failure counts for libcurl, also if it has no effect, as that of getpeername.
    let isDetail = !detail.isEmpty && !detail.hasPrefix("getpeername()")
    return isDetail ? detail : String(cString: curl.easyError(code))
  }

  /// The error of a request that the vendor refused, or that libcurl wanted to send again.
  private var repetition: TransportError? {
    if let refusal = transfer.refusal {
      return TransportError(.refused, refusal.reason, mayHaveArrived: false)
    }
    guard code == CURLE_ABORTED_BY_CALLBACK, transfer.sends > 1 else { return nil }
    return TransportError(
      .interrupted, "the connection, which was used before, broke without a response",
      mayHaveArrived: true)
  }

  /// The refusal of the system that made the transfer fail.
  private var shortage: TransportError? {
    if let failure = transfer.socketFailure, ResourceShortage.isOne(failure), !hasSent {
      return TransferThread.refusal(failure)
    }
    switch code {
    case CURLE_OUT_OF_MEMORY: return TransferThread.refusal(ENOMEM, mayHaveArrived: hasSent)
    // Name resolution takes a thread and descriptors, TLS opens files.
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CONNECT_ERROR,
      CURLE_PEER_FAILED_VERIFICATION, CURLE_FAILED_INIT:
      guard !hasSent else { return nil }
      return ResourceShortage.current(needsThread: true).map { TransferThread.refusal($0) }
    default: return nil
    }
  }

  /// A server that refused TLS has processed nothing, also if the request was sent before its alert.
  private var tlsRefusal: TransportError? {
    guard
      let refused = (transfer.alert ?? (hasSent ? nil : TLSAlert(in: text)))?
        .explanation(hasCertificate: transfer.route.clientCertificate != nil)
    else { return nil }
    return TransportError(.tls, refused.reason, remedy: refused.remedy, mayHaveArrived: false)
  }

  private func proxyRefusal(status: Int) -> TransportError? {
    guard let proxy = transfer.route.proxy else { return nil }
    let refusal =
      code == CURLE_PROXY
      ? ProxyRefusal(socks: CURLproxycode(UInt32(info(CURLINFO_PROXY_ERROR))), text: text)
      : ProxyRefusal(
        status: status, offers: transfer.headerValues("proxy-authenticate"),
        hasCredentials: proxy.credentials != nil)
    return refusal.map {
      TransportError(.proxy, $0.reason, remedy: $0.remedy, mayHaveArrived: false)
    }
  }

  /// A body that does not have the encoding which the response names.
  private var undecodable: TransportError? {
    // libcurl reports bytes behind a gzip body like bytes that we refuse.
    guard code == CURLE_BAD_CONTENT_ENCODING || code == CURLE_WRITE_ERROR else { return nil }
    let encoding = transfer.headerValues("content-encoding").joined(separator: ", ")
    let shown = encoding.unicodeScalars.filter { (0x20..<0x7F).contains($0.value) }
      .prefix(Self.shownCharacters)
    let name = String(String.UnicodeScalarView(shown))
    let known = name.lowercased().split { $0 == "," || $0 == " " }
      .allSatisfy { Self.knownEncodings.contains(String($0)) }
    let reason =
      if name.isEmpty {
        // libcurl refuses the header before it hands it over.
        "the Content-Encoding of the response is refused: \(text)"
      } else if known {
        "the body of the response cannot be unpacked: it is not the \(name) that its "
          + "Content-Encoding names"
      } else {
        "the response has an unknown Content-Encoding: \(name)"
      }
    return TransportError(.undecodable, reason, mayHaveArrived: hasSent)
  }

  /// Characters of a header that an error shows.
  private static let shownCharacters = 100
  /// RFC 9110 section 8.4.1 and the names that libcurl knows beside.
  private static let knownEncodings = [
    "gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "identity", "none",
  ]

  private func info(_ info: CURLINFO) -> Int {
    var value = 0
    _ = sallyport_getinfo_long(curl.getInfo, easy, info, &value)
    return value
  }
}
