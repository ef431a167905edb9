/// Parses and checks a request line and header fields (RFC 9112 sections 3, 5 and 6).
struct RequestHead {
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  private(set) var method = ""
  private(set) var path = ""
  private(set) var query = ""
  private(set) var isVersion11 = true
  private(set) var headers = HTTPServer.Headers()
  private(set) var framing = Framing.none
  private(set) var expectsContinue = false

  /// - Precondition: `lines` contains a request line.
  init(lines: [ArraySlice<UInt8>], limits: HTTPServer.Limits) throws(RequestReader.Failure) {
    precondition(!lines.isEmpty, "a head without a request line")
    try readRequestLine(lines[0])
    for line in lines.dropFirst() { try readField(line) }
    try checkHost()
    framing = try readFraming(bodyLimit: limits.bodyBytes)
    try readExpectation()
  }

  private mutating func readRequestLine(
    _ line: ArraySlice<UInt8>
  ) throws(RequestReader.Failure) {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(Self.isTokenByte) else {
      throw .bad("invalid request line")
    }
    switch String(decoding: parts[2], as: UTF8.self) {
    case "HTTP/1.1": isVersion11 = true
    case "HTTP/1.0": isVersion11 = false
    case let version where version.hasPrefix("HTTP/"):
      throw .rejected(status: 505, reason: "only HTTP/1.1 and HTTP/1.0 are supported")
    default: throw .bad("no HTTP version in the request line")
    }
    method = String(decoding: parts[0], as: UTF8.self)
    try readTarget(parts[1])
  }

  /// A path, or an absolute URL as sent to a proxy. `*` is also a valid path.
  private mutating func readTarget(_ target: ArraySlice<UInt8>) throws(RequestReader.Failure) {
    var rest = target
    let scheme = Array("http://".utf8)
    if rest.starts(with: scheme) {
      rest = rest.dropFirst(scheme.count).drop { $0 != UInt8(ascii: "/") }
    }
    guard rest.first == UInt8(ascii: "/") || rest.elementsEqual("*".utf8),
      rest.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") })
    else { throw .bad("invalid request target") }
    let parts = rest.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    path = PercentCoding.decode(parts[0])
    query = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
  }

  private mutating func readField(_ line: ArraySlice<UInt8>) throws(RequestReader.Failure) {
    // Names consist of token bytes up to the colon. This also rejects folded lines.
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
      line[..<colon].allSatisfy(Self.isTokenByte)
    else { throw .bad("header line without a name") }
    let value = line[(colon + 1)...].drop(while: Self.isBlank)
    let end = value.lastIndex { !Self.isBlank($0) }.map { $0 + 1 } ?? value.startIndex
    headers.add(
      String(decoding: line[..<colon], as: UTF8.self),
      String(decoding: value[value.startIndex..<end], as: UTF8.self))
  }

  private func checkHost() throws(RequestReader.Failure) {
    let count = headers.all("Host").count
    guard count == 1 || (count == 0 && !isVersion11) else {
      throw .bad("exactly one Host header is required")
    }
  }

  private func readFraming(bodyLimit: Int) throws(RequestReader.Failure) -> Framing {
    let codings = headers.all("Transfer-Encoding")
    let lengths = headers.all("Content-Length")
    if !codings.isEmpty {
      guard codings.count == 1, codings[0].lowercased() == "chunked" else {
        throw .rejected(status: 501, reason: "the only supported transfer coding is chunked")
      }
      // The combination allows request smuggling past a proxy (RFC 9112 section 6.1).
      guard lengths.isEmpty, isVersion11 else {
        throw .bad("chunked is not allowed with Content-Length or in HTTP/1.0")
      }
      return .chunked
    }
    guard let length = lengths.first else { return .none }
    guard Set(lengths).count == 1, (1...18).contains(length.utf8.count),
      length.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }), let count = Int(length)
    else { throw .bad("invalid Content-Length") }
    guard count <= bodyLimit else {
      throw .rejected(status: 413, reason: "the body is larger than \(bodyLimit) bytes")
    }
    return count == 0 ? .none : .length(count)
  }

  private mutating func readExpectation() throws(RequestReader.Failure) {
    guard let expectation = headers["Expect"], isVersion11 else { return }
    guard expectation.lowercased() == "100-continue" else {
      throw .rejected(status: 417, reason: "the only supported expectation is 100-continue")
    }
    expectsContinue = true
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// RFC 9110 section 5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
