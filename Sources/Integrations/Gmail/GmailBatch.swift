import Basics
import HTTP
import IntegrationKit
import JSON
import RateLimits

/// Google's batch endpoint: many calls in one request, each answered on its own (multipart/mixed of
/// application/http).
enum GmailBatch {
  /// Calls of one batch: Google takes 100, but refuses many of them, since it works on all at once.
  static let maximumCalls = 25
  /// Calls from which on a batch is worth it.
  static let minimumCalls = BatchPace.minimumSize

  /// - Parameter calls: calls of one grant, without secrets in their headers. If one of them changes
  ///   data, the batch is not retried. Calls that it left unresolved are retried individually.
  static func request(_ calls: [HTTPRequest], at url: String, root: String) -> HTTPRequest {
    // No call holds it: the labels in their bodies are chosen by those who cannot know it.
    let boundary = "sallyport_\(String(UInt64.random(in: .min ... .max), radix: 16))"
    var body: [UInt8] = []
    for (number, call) in calls.enumerated() {
      let head = """
        --\(boundary)\r
        Content-Type: application/http\r
        Content-ID: <\(number)>\r
        \r
        \(call.method.rawValue) \(call.url.dropFirst(root.count)) HTTP/1.1\r

        """
      body += head.utf8
      for header in call.headers { body += "\(header.name): \(header.value)\r\n".utf8 }
      if let content = call.body { body += "Content-Length: \(content.count)\r\n".utf8 }
      body += "\r\n".utf8
      body += call.body ?? []
      body += "\r\n".utf8
    }
    body += "--\(boundary)--\r\n".utf8
    var request = HTTPRequest(
      .post, url,
      headers: [HTTPRequest.Header("Content-Type", "multipart/mixed; boundary=\(boundary)")],
      body: body)
    request.pathTemplate = .constant
    request.credential = calls.first?.credential
    request.callerResolvesOutcome = calls.contains { $0.method != .get }
    return request
  }

  /// The answer to each of `count` calls; nil for those that have none that can be read.
  static func responses(in response: HTTPResponse, count: Int) -> [HTTPResponse?] {
    var found = [HTTPResponse?](repeating: nil, count: count)
    guard let boundary = boundary(of: response.header("content-type") ?? "") else { return found }
    for part in parts(of: response.body, boundary) {
      var reader = LineReader(part)
      // Google puts `response-` before the id that the call had.
      let id = reader.headers().first { $0.name == "content-id" }?.value
      let digits = id?.reversed().drop { $0 == ">" }.prefix { $0.isASCII && $0.isNumber }.reversed()
      guard let number = digits.flatMap({ Int(String($0)) }), found.indices.contains(number),
        let line = reader.line(), line.hasPrefix("HTTP/"),
        let status = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
      else { continue }
      let headers = reader.headers()
      let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) }
      // A part that is cut short answers nothing.
      if let length, !(0...reader.rest.count).contains(length) { continue }
      found[number] = HTTPResponse(
        status: status, headers: headers, body: Array(reader.rest.prefix(length ?? .max)))
    }
    return found
  }

  private static func boundary(of type: String) -> [UInt8]? {
    let lowercase = type.lowercased()
    guard lowercase.hasPrefix("multipart/mixed"),
      let start = lowercase.firstRange(of: "boundary=")?.upperBound
    else { return nil }
    var value = type.dropFirst(lowercase[..<start].count)
    if value.first == "\"" { value = value.dropFirst().prefix { $0 != "\"" } }
    let name = value.prefix { $0 != ";" && $0 != " " }
    return name.isEmpty ? nil : Array("--\(name)".utf8)
  }

  /// What stands between two delimiters (RFC 2046 section 5.1.1); the line end before one is its own.
  private static func parts(of body: [UInt8], _ delimiter: [UInt8]) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start: Int?
    var at = 0
    while at < body.count {
      let end = body[at...].firstIndex(of: 0x0A) ?? body.count
      if body[at..<end].starts(with: delimiter) {
        if let start {
          var content = body[start..<max(start, at - 1)]
          if content.last == 0x0D { content.removeLast() }
          parts.append(content)
        }
        start = min(end + 1, body.count)
      }
      at = end + 1
    }
    return parts
  }

  /// Reads the lines of a message's head.
  private struct LineReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ part: ArraySlice<UInt8>) { rest = part }

    mutating func line() -> String? {
      guard let end = rest.firstIndex(of: 0x0A) else { return nil }
      var line = rest[..<end]
      if line.last == 0x0D { line.removeLast() }
      rest = rest[(end + 1)...]
      return String(decoding: line, as: UTF8.self)
    }

    /// Up to the blank line; names in lower case.
    mutating func headers() -> [(name: String, value: String)] {
      var headers: [(name: String, value: String)] = []
      while let line = line(), !line.isEmpty {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        headers.append((line[..<colon].lowercased(), String(value)))
      }
      return headers
    }
  }
}

extension GmailClient {
  /// How many of so many calls go into one batch; 1 where each goes alone. A batch counts with Google
  /// as its calls do, so it has no more than a limit of the connection allows at once.
  func batchSize(for calls: Int, of command: String) -> Int {
    let size = min(GmailBatch.maximumCalls, connection.requestsAtOnce(for: command) ?? .max)
    return min(calls, size) >= GmailBatch.minimumCalls ? size : 1
  }

  func batch(_ calls: [HTTPRequest]) -> HTTPRequest {
    var batch = GmailBatch.request(calls, at: batchURL, root: gmailRoot)
    batch.rateWeight = calls.count
    return batch
  }

  /// Sends calls as one batch.
  ///
  /// - Returns: the result per call. Calls that were refused for their token, or that got no response,
  ///   are to be sent individually. After calls that were refused for their rate, nothing is sent for
  ///   the time that Google names.
  func exchange(_ batch: [Target], in invocation: Invocation) async -> [BatchAnswer] {
    let whole: HTTPResponse
    do throws(CommandError) {
      whole = try await send(self.batch(batch.map(\.request)), in: invocation)
    } catch {
      return batch.map { _ in error.outcome == .unknown ? .mayHaveBeenApplied : .notApplied }
    }
    guard whole.isSuccess else {
      let isOpen = HTTPStatus.leavesOutcomeOpen(whole.status)
      return batch.map { _ in isOpen ? .mayHaveBeenApplied : .notApplied }
    }
    let responses = GmailBatch.responses(in: whole, count: batch.count)
    // One batch is one refusal, of the call that is to wait longest.
    let refusals = responses.compactMap { $0.flatMap(GmailErrors.rateRefusal) }
    if let longest = refusals.max(by: { $0.waitOrZero < $1.waitOrZero }) {
      await invocation.pauseRate(after: longest)
    }
    return responses.map { response in
      response.map { answer(in: $0, in: invocation) } ?? .mayHaveBeenApplied
    }
  }

  private func answer(in response: HTTPResponse, in invocation: Invocation) -> BatchAnswer {
    if response.isSuccess {
      guard let body = try? response.json() else { return .mayHaveBeenApplied }
      return .settled(.success(TargetAnswer(body)))
    }
    if HTTPStatus.leavesOutcomeOpen(response.status) { return .mayHaveBeenApplied }
    if response.status == 401 { return .notApplied }
    if GmailErrors.rateRefusal(response)?.isRetryable == true { return .refusedByRate }
    return .settled(.failure(GmailErrors.error(response, in: invocation)))
  }
}

extension RateRefusal {
  fileprivate var waitOrZero: Int { retryAfter?.milliseconds ?? (isRetryable ? 0 : -1) }
}
