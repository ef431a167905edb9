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
