import Basics
import CCurl
import Glibc
import HTTP
import Synchronization

/// One request in libcurl.
///
/// Created by a task, then owned by the transfer thread. Only that thread accesses the unlocked
/// fields.
final class Transfer: @unchecked Sendable {
  // @unchecked: only `isCancelled` and `continuation` are shared between threads.
  typealias Outcome = Result<HTTPResponse, TransportError>

  let request: HTTPRequest
  let route: TransportRoute
  let deadline: Deadline
  /// Whether HTTP/2 is not offered.
  let needsHTTP1: Bool
  private let isCancelledFlag = Atomic(false)
  private let continuation: CheckedContinuation<Outcome, Never>
  private let thread: TransferThread

  private var headers: [(name: String, value: String)] = []
  private var body: [UInt8] = []
  /// What the sink of the request has received; nil before its body starts.
  private var sunkBytes: Int?
  private var headerBytes = 0
  /// Whether the status is 2xx.
  private var isSuccess = false
  /// The limit that the response exceeds.
  private(set) var excess: String?
  /// The errno with which the system refused a socket.
  var socketFailure: Int32?
  /// Whether the empty line after the headers has been received.
  private(set) var isHeadComplete = false

  /// How often libcurl was about to send the request; 0 for libcurl before 7.80.
  private(set) var sends = 0
  private var log = TransferLog()

  /// C strings and lists that libcurl uses until the transfer ends.
  var headerList: UnsafeMutablePointer<curl_slist>?
  let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init(
    _ request: HTTPRequest, _ route: TransportRoute, _ deadline: Deadline, needsHTTP1: Bool,
    on thread: TransferThread, _ continuation: CheckedContinuation<Outcome, Never>
  ) {
    self.request = request
    self.route = route
    self.deadline = deadline
    self.needsHTTP1 = needsHTTP1
    self.thread = thread
    self.continuation = continuation
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit { errorText.deallocate() }

  var isCancelled: Bool { isCancelledFlag.load(ordering: .acquiring) }
  func markCancelled() { isCancelledFlag.store(true, ordering: .releasing) }

  /// Must be called exactly once.
  func finish(_ outcome: Outcome) { continuation.resume(returning: outcome) }

  /// The response, with the only reference to its body. Can be called once.
  func response(status: Int) -> HTTPResponse {
    if isSuccess, sunkBytes == nil { request.bodySink?.start() }
    defer { body = [] }
    return HTTPResponse(status: status, headers: headers, body: body)
  }

  // MARK: Repetitions by libcurl

  /// Called before libcurl sends the request.
  ///
  /// - Returns: whether it may. A repetition would be a request that no rate limit counts.
  func allowsSending() -> Bool {
    sends += 1
    // Of a proxy that opened a tunnel.
    if sends == 1 { (headers, isHeadComplete) = ([], false) }
    return sends == 1
  }

  /// Receives a line of libcurl's log.
  func note(_ line: String) { log.note(line) }

  /// With which the server ended TLS before it responded.
  var alert: TLSAlert? { sends == 0 || headers.isEmpty ? log.alert : nil }

  /// Why the vendor did not process the request; nil if it may have. Trusted only if repetitions are
  /// stopped, so that it is about the one request that was sent.
  var refusal: StreamRefusal? { sends > 0 && headers.isEmpty ? log.refusal : nil }

  // MARK: Data from libcurl

  /// The values of a header that has been received so far, also in the response of a proxy. The name
  /// must be in lower case.
  func headerValues(_ name: String) -> [String] {
    headers.filter { $0.name == name }.map(\.value)
  }

  /// - Returns: the number of accepted bytes. If it is smaller than the input, libcurl aborts the
  ///   transfer; if it is `CURL_WRITEFUNC_PAUSE`, libcurl offers the bytes again later.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard (sunkBytes ?? body.count) + bytes.count <= route.maximumResponseBytes else {
      excess = "the response is larger than \(route.maximumResponseBytes) bytes"
      return 0
    }
    if isSuccess, let sink = request.bodySink { return pass(bytes, to: sink) }
    reserve(bytes.count)
    body.append(contentsOf: bytes)
    return bytes.count
  }

  private func pass(_ bytes: UnsafeRawBufferPointer, to sink: any BodySink) -> Int {
    if sunkBytes == nil {
      sink.start()
      sunkBytes = 0
    }
    guard sink.receive(bytes, orElse: { [self] in thread.resume(self) }) else {
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    sunkBytes = (sunkBytes ?? 0) + bytes.count
    return bytes.count
  }

  /// Memory in bytes that a response gets because it announces a larger body.
  private static let trustedBytes = 1_024 * 1_024

  /// Bytes behind the body, for readers that load words (JSON).
  private static let spareBytes = 16

  /// Makes room for the whole body, so that it is not copied while it grows. A large one must have
  /// begun: a vendor could announce many of them.
  private func reserve(_ count: Int) {
    guard body.count + count > body.capacity, let length = headerValues("content-length").last,
      let expected = Int(length), expected > body.capacity
    else { return }
    let isTrusted = body.count >= Self.trustedBytes
    body.reserveCapacity(
      min(expected, isTrusted ? route.maximumResponseBytes : Self.trustedBytes) + Self.spareBytes)
  }

  /// Maximum size of the headers in bytes, including those of interim responses and a fixed cost of
  /// each line.
  private static let maximumHeaderBytes = 256 * 1_024
  private static let headerLineBytes = 64

  /// Receives one header line with its line end. A status line starts a new response: the previous
  /// one was interim.
  ///
  /// - Returns: the number of accepted bytes, as `receive` does.
  func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    headerBytes += bytes.count + Self.headerLineBytes
    guard headerBytes <= Self.maximumHeaderBytes else {
      excess = "the headers of the response are larger than \(Self.maximumHeaderBytes) bytes"
      return 0
    }
    readHeader(bytes)
    return bytes.count
  }

  private func readHeader(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isStatusLine {
      headers = []
      isHeadComplete = false
      // Such as `HTTP/1.1 200 OK` and `HTTP/2 200`.
      isSuccess = bytes.drop { $0 != 0x20 }.dropFirst().first == UInt8(ascii: "2")
      return
    }
    let line = bytes.trimmingSpace
    if line.isEmpty { isHeadComplete = true }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
    let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
    let value = UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]).trimmingSpace
    headers.append((name.lowercasedText, String(decoding: value, as: UTF8.self)))
  }
}

extension UnsafeRawBufferPointer {
  /// Without the white space and line ends around it (RFC 9110 section 5.5).
  fileprivate var trimmingSpace: UnsafeRawBufferPointer {
    var (start, end) = (0, count)
    while start < end, self[start] <= 0x20 { start += 1 }
    while start < end, self[end - 1] <= 0x20 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// Whether it begins with `HTTP/`.
  fileprivate var isStatusLine: Bool {
    guard count >= 5, let baseAddress else { return false }
    return memcmp(baseAddress, "HTTP/", 5) == 0
  }

  /// The text with ASCII letters in lower case. Invalid UTF-8 is replaced.
  fileprivate var lowercasedText: String {
    String(unsafeUninitializedCapacity: count) { text in
      for position in indices {
        let byte = self[position]
        text.initializeElement(
          at: position, to: (0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
      }
      return count
    }
  }
}
