import Basics
import CCurl
import HTTP

/// Configures an easy handle for one transfer.
struct TransferOptions {
  let curl: CurlLibrary
  let easy: UnsafeMutableRawPointer

  /// What libcurl reads at once, in bytes. It keeps a buffer of that size per handle; the default of
  /// 16 KiB takes four times as many calls for a large body.
  private static let bufferBytes = 64 * 1_024

  func apply(_ transfer: Transfer) {
    let request = transfer.request
    setMethod(request)
    text(CURLOPT_URL, request.url)
    setHeaders(transfer)
    text(CURLOPT_USERAGENT, "\(Product.name)/\(Product.version)")
    // The empty text enables every encoding that libcurl supports, such as gzip and br.
    text(CURLOPT_ACCEPT_ENCODING, "")
    number(CURLOPT_NOSIGNAL, 1)
    number(CURLOPT_FOLLOWLOCATION, 0)
    number(CURLOPT_TCP_KEEPALIVE, 1)
    number(CURLOPT_BUFFERSIZE, Self.bufferBytes)
    setRoute(transfer)
    setTimes(transfer)
    sallyport_setopt_offset(
      curl.setOption, easy, CURLOPT_MAXFILESIZE_LARGE,
      curl_off_t(transfer.route.maximumResponseBytes))
    sallyport_setopt_pointer(
      curl.setOption, easy, CURLOPT_ERRORBUFFER, transfer.errorText)
    setCallbacks(transfer)
    stopRepetitions(transfer)
  }

  private func setMethod(_ request: HTTPRequest) {
    if request.method == .get {
      number(CURLOPT_HTTPGET, 1)
    } else {
      if request.method == .head { number(CURLOPT_NOBODY, 1) }
      text(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
      // A reused connection may be dead, and then it is open whether the vendor got the request.
      if !request.isSideEffectFree || request.callerResolvesOutcome {
        number(CURLOPT_FRESH_CONNECT, 1)
      }
    }
    if request.needsNewConnection { number(CURLOPT_FRESH_CONNECT, 1) }
    guard let body = request.body else { return }
    sallyport_setopt_offset(
      curl.setOption, easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
    body.withUnsafeBytes {
      _ = sallyport_setopt_pointer(
        curl.setOption, easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy))
    }
  }

  private func setHeaders(_ transfer: Transfer) {
    var line = ByteBuffer(capacity: 256)
    for header in transfer.request.headers {
      line.truncate(to: 0)
      header.name.append(to: &line)
      // libcurl sends a header without a value if its name ends in a semicolon.
      let value = header.value.withoutLineEnds
      line.append(value.isEmpty ? ";" : ": " as StaticString)
      line.append(text: value)
      line.append(0)
      transfer.headerList = line.withBytes { line in
        line.withMemoryRebound(to: CChar.self) { text in
          text.baseAddress.flatMap { curl.listAppend(transfer.headerList, $0) }
        }
      }
    }
    // Otherwise libcurl waits for a 100 response before it sends a larger body.
    transfer.headerList = curl.listAppend(transfer.headerList, "Expect:")
    sallyport_setopt_pointer(
      curl.setOption, easy, CURLOPT_HTTPHEADER, transfer.headerList)
  }

  private func setRoute(_ transfer: Transfer) {
    let route = transfer.route
    let isSecure = transfer.request.url.hasPrefix("https:")
    number(CURLOPT_PROTOCOLS, Int(isSecure ? CURLPROTO_HTTPS : CURLPROTO_HTTP))
    number(CURLOPT_SSL_VERIFYPEER, 1)
    number(CURLOPT_SSL_VERIFYHOST, 2)
    number(
      CURLOPT_HTTP_VERSION,
      Int(transfer.needsHTTP1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS))
    // Concurrent requests to a host that may support HTTP/2 wait for the first connection instead
    // of opening one each.
    if isSecure { number(CURLOPT_PIPEWAIT, 1) }
    setProxy(route)
    if let file = route.caFile { text(CURLOPT_CAINFO, file) }
    // The minimum; the maximum is what both sides support.
    number(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    if let file = route.clientCertificate { text(CURLOPT_SSLCERT, file) }
    if let file = route.clientKey { text(CURLOPT_SSLKEY, file) }
    // Files, and no keys of OpenSSL's engines, which may ask the user.
    text(CURLOPT_SSLCERTTYPE, "PEM")
    text(CURLOPT_SSLKEYTYPE, "PEM")
    // Otherwise OpenSSL asks on the terminal, or reads stdin.
    text(CURLOPT_KEYPASSWD, route.clientKeyPassword ?? "")
  }

  private func setProxy(_ route: TransportRoute) {
    // The empty text keeps libcurl from reading the environment.
    text(CURLOPT_PROXY, route.proxy?.address ?? "")
    text(CURLOPT_PROXYUSERPWD, route.proxy?.credentials)
    text(CURLOPT_NOPROXY, route.proxyExceptions)
    number(CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    text(CURLOPT_PROXY_KEYPASSWD, "")
  }

  private func setTimes(_ transfer: Transfer) {
    let remaining = max(1, transfer.deadline.remainingMilliseconds)
    number(CURLOPT_TIMEOUT_MS, remaining)
    number(
      CURLOPT_CONNECTTIMEOUT_MS, min(remaining, transfer.route.connectTimeoutMilliseconds))
  }

  private func setCallbacks(_ transfer: Transfer) {
    // The thread keeps the transfer alive until libcurl releases it.
    let owner = Unmanaged.passUnretained(transfer).toOpaque()
    sallyport_setopt_pointer(curl.setOption, easy, CURLOPT_WRITEDATA, owner)
    sallyport_setopt_data(curl.setOption, easy, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, owner in
      guard let bytes, let owner else { return 0 }
      return Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue()
        .receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    sallyport_setopt_pointer(curl.setOption, easy, CURLOPT_HEADERDATA, owner)
    sallyport_setopt_data(curl.setOption, easy, CURLOPT_HEADERFUNCTION) {
      bytes, size, count, owner in
      guard let bytes, let owner else { return 0 }
      return Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue()
        .receiveHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
  }

  /// libcurl itself repeats a request if a reused connection is dead, or an HTTP/2 stream is refused. It
  /// would pass rate limits, and a write may have been processed.
  private func stopRepetitions(_ transfer: Transfer) {
    let owner = Unmanaged.passUnretained(transfer).toOpaque()
    sallyport_setopt_pointer(curl.setOption, easy, CURLOPT_PREREQDATA, owner)
    sallyport_setopt_prerequest(curl.setOption, easy) { owner, _, _, _, _ in
      guard let owner else { return CURL_PREREQFUNC_ABORT }
      return Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue().allowsSending()
        ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
    // libcurl reports only in its log why TLS ended, and why it repeats a request of HTTP/2, which is
    // spoken over TLS alone. The log costs time.
    let hasTLS =
      transfer.request.url.hasPrefix("https:")
      || transfer.route.proxy?.address.hasPrefix("https:") == true
    number(CURLOPT_VERBOSE, hasTLS ? 1 : 0)
    sallyport_setopt_pointer(curl.setOption, easy, CURLOPT_DEBUGDATA, owner)
    sallyport_setopt_debug(curl.setOption, easy) { _, type, bytes, count, owner in
      guard type == CURLINFO_TEXT, let bytes, let owner else { return 0 }
      let line = UnsafeRawBufferPointer(start: bytes, count: count)
      Unmanaged<Transfer>.fromOpaque(owner).takeUnretainedValue()
        .note(String(decoding: line, as: UTF8.self))
      return 0
    }
  }

  private func number(_ option: CURLoption, _ value: Int) {
    sallyport_setopt_long(curl.setOption, easy, option, value)
  }

  /// libcurl copies the text.
  private func text(_ option: CURLoption, _ value: String?) {
    guard let value else { return }
    value.withCString { _ = sallyport_setopt_pointer(curl.setOption, easy, option, $0) }
  }
}

extension String {
  /// A line end in the value of a header would start another header, a NUL would end it.
  fileprivate var withoutLineEnds: String {
    let isUnsafe: (UInt8) -> Bool = { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
    guard utf8.contains(where: isUnsafe) else { return self }
    return String(decoding: utf8.filter { !isUnsafe($0) }, as: UTF8.self)
  }
}
