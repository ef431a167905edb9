/// What libcurl's log says about a transfer, and libcurl reports nowhere else: how the HTTP/2 stream
/// ended, and a TLS alert behind another error.
///
/// Lines also quote URLs, so only the start of a line counts. If a later libcurl words them otherwise,
/// the outcome of a refused write is unknown, which is safe.
struct TransferLog {
  private(set) var refusal: StreamRefusal?
  private(set) var alert: TLSAlert?
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
    } else if ["OpenSSL SSL_", "error:"].contains(where: line.hasPrefix) {
      alert = alert ?? TLSAlert(in: line)
    }
  }

  private static func number(after start: String, in line: String) -> Int? {
    line.hasPrefix(start) ? number(in: line.dropFirst(start.count)) : nil
  }

  private static func number(in text: Substring) -> Int? { Int(text.prefix(while: \.isNumber)) }
}
