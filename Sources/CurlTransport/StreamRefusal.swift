/// Why a vendor did not process an HTTP/2 request. It can be sent again without a further effect.
enum StreamRefusal: Equatable {
  /// REFUSED_STREAM, or a GOAWAY that excludes the stream (RFC 9113 sections 6.8 and 8.7).
  case refusedStream
  /// HTTP_1_1_REQUIRED (RFC 9113 section 7).
  case needsHTTP1

  var reason: String {
    switch self {
    case .refusedStream:
      "the vendor refused the request before processing it (HTTP/2 REFUSED_STREAM or GOAWAY)"
    case .needsHTTP1: "the vendor requires HTTP/1.1 for the request (HTTP/2 HTTP_1_1_REQUIRED)"
    }
  }
}

/// What libcurl's log says about the HTTP/2 stream of a request. libcurl reports it nowhere else.
///
/// Lines also quote URLs, so only the start of a line counts. If a later libcurl words them otherwise,
/// the outcome of a refused write is unknown, which is safe.
struct StreamLog {
  private(set) var refusal: StreamRefusal?
  private var stream: Int?

  mutating func note(_ line: String) {
    if line.hasPrefix("REFUSED_STREAM") {
      refusal = .refusedStream
    } else if line.hasPrefix("Downgrades to HTTP/1.1") {
      refusal = .needsHTTP1
    } else if let id = Self.number(after: "Using Stream ID: ", in: line)
      ?? Self.number(after: "[HTTP/2] [", in: line)
    {
      stream = id
    } else if line.hasPrefix("received GOAWAY") || line.hasPrefix("recveived GOAWAY"),
      let end = line.firstRange(of: "last_stream=")?.upperBound,
      let last = Self.number(in: line[end...]), let stream, stream > last
    {
      refusal = .refusedStream
    }
  }

  private static func number(after start: String, in line: String) -> Int? {
    line.hasPrefix(start) ? number(in: line.dropFirst(start.count)) : nil
  }

  private static func number(in text: Substring) -> Int? { Int(text.prefix(while: \.isNumber)) }
}
