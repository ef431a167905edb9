/// Reads requests from a connection (RFC 9112) into a buffer.
struct RequestReader {
  enum Failure: Error, Equatable {
    /// The client closed the connection inside a request, or the idle timeout passed.
    case gone
    /// The request is not supported; the reason is sent to the client.
    case rejected(status: Int, reason: String)

    static func bad(_ reason: String) -> Failure { .rejected(status: 400, reason: reason) }
  }

  private static let readBytes = 16 * 1_024

  private let socket: Socket
  private let limits: HTTPServer.Limits
  private var buffer: [UInt8] = []
  private var start = 0

  init(socket: Socket, limits: HTTPServer.Limits) {
    self.socket = socket
    self.limits = limits
  }

  /// - Returns: nil if the client closed the connection between requests.
  mutating func next() throws(Failure) -> HTTPServer.Request? {
    guard let lines = try readHead() else { return nil }
    let head = try RequestHead(lines: lines, limits: limits)
    var request = HTTPServer.Request(
      method: head.method, path: head.path, queryText: head.query, headers: head.headers,
      body: [], isVersion11: head.isVersion11)
    switch head.framing {
    case .none: break
    case .length(let count):
      try sendContinue(head)
      request.body = try take(count)
    case .chunked:
      try sendContinue(head)
      request.body = try readChunks()
    }
    return request
  }

  // MARK: Head

  /// The lines of the next request's head, without line ends. Blank lines before the request line
  /// are skipped (RFC 9112 section 2.2), and a bare LF also ends a line.
  private mutating func readHead() throws(Failure) -> [ArraySlice<UInt8>]? {
    var lines: [ArraySlice<UInt8>] = []
    var used = 0
    while true {
      guard let line = try readLine(limit: limits.headBytes - used, tooLong: 431) else {
        if lines.isEmpty && used == 0 { return nil }
        throw .gone
      }
      used += line.count + 2
      if !line.isEmpty {
        // The request line, and one header line beyond the limit.
        guard lines.count <= limits.headerCount else {
          throw .rejected(status: 431, reason: "more than \(limits.headerCount) header lines")
        }
        lines.append(line)
      } else if !lines.isEmpty {
        return lines
      }
    }
  }

  /// - Returns: nil at the end of the stream before the first byte of a line.
  private mutating func readLine(
    limit: Int, tooLong status: Int
  ) throws(Failure) -> ArraySlice<UInt8>? {
    var scanned = start
    while true {
      if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")), end - start <= limit {
        var line = buffer[start..<end]
        start = end + 1
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard !line.contains(where: { $0 == UInt8(ascii: "\r") || $0 == 0 }) else {
          throw .bad("carriage return or NUL inside a line")
        }
        return line
      }
      guard buffer.count - start <= limit else {
        throw .rejected(status: status, reason: "a line or the head is too long")
      }
      let pending = buffer.count - start
      guard try fill() else {
        if pending == 0 { return nil }
        throw .gone
      }
      scanned = start + pending
    }
  }

  // MARK: Body

  /// Sends `100 Continue` if the client waits for it.
  private func sendContinue(_ head: RequestHead) throws(Failure) {
    guard head.expectsContinue, start == buffer.count else { return }
    guard socket.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)[...]) else { throw .gone }
  }

  private mutating func take(_ count: Int) throws(Failure) -> [UInt8] {
    while buffer.count - start < count {
      guard try fill(atLeast: count) else { throw .gone }
    }
    defer { start += count }
    return Array(buffer[start..<start + count])
  }

  private mutating func readChunks() throws(Failure) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let size = try readChunkSize()
      guard body.count + size <= limits.bodyBytes else {
        throw .rejected(status: 413, reason: "the body is larger than \(limits.bodyBytes) bytes")
      }
      if size == 0 { break }
      body += try take(size)
      guard try readLine(limit: 2, tooLong: 400)?.isEmpty == true else {
        throw .bad("a chunk is longer than its size")
      }
    }
    // Trailers are read and dropped; nothing uses them.
    var used = 0
    while let line = try readLine(limit: limits.headBytes - used, tooLong: 431) {
      if line.isEmpty { return body }
      used += line.count + 2
    }
    throw .gone
  }

  private mutating func readChunkSize() throws(Failure) -> Int {
    guard let line = try readLine(limit: limits.chunkLineBytes, tooLong: 400) else { throw .gone }
    let digits = line.prefix { HexDigit.value($0) != nil }
    let rest = line[digits.endIndex...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    // 15 digits are far above any limit and cannot overflow.
    guard (1...15).contains(digits.count), rest.isEmpty || rest.first == UInt8(ascii: ";") else {
      throw .bad("invalid chunk size")
    }
    return digits.reduce(0) { size, digit in size << 4 | (HexDigit.value(digit) ?? 0) }
  }

  // MARK: Bytes

  /// - Parameter atLeast: the number of bytes needed from `start`; reserves space for them.
  /// - Returns: false at the end of the stream.
  private mutating func fill(atLeast wanted: Int = 0) throws(Failure) -> Bool {
    if start > 0 {
      // Drop consumed bytes first, so that the buffer holds at most the rest of one request.
      buffer.removeSubrange(..<start)
      start = 0
    }
    let before = buffer.count
    let room = min(max(wanted - before, Self.readBytes), 1_024 * 1_024)
    buffer.append(contentsOf: repeatElement(0, count: room))
    let count = buffer.withUnsafeMutableBytes { bytes in
      socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: bytes[before...]))
    }
    buffer.removeLast(room - max(count, 0))
    guard count >= 0 else { throw .gone }
    return count > 0
  }
}
