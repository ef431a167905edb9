import Basics
import HTTP
import IntegrationKit
import JSON

/// Sends a large mail in chunks (resumable upload,
/// developers.google.com/workspace/gmail/api/guides/uploads).
///
/// Gmail sends the mail when it has received the last chunk. If the outcome of a chunk is unknown,
/// the client queries the upload status and sends only the missing bytes. Nothing is sent twice. If
/// the status is unavailable, the outcome is `unknown`.
struct MailUpload {
  /// Gmail requires a multiple of 256 KiB.
  private static let chunkBytes = 8 * 1_024 * 1_024

  private enum Status {
    /// Gmail's response to the complete mail.
    case sent(JSON)
    /// The bytes that Gmail has received, and the error that led to a status query.
    case received(Int, CommandError?)
  }

  private let raw: [UInt8]
  private let sender: String
  private let thread: String?
  private let notFound: String?
  private let client: GmailClient
  private let invocation: Invocation

  /// - Parameters:
  ///   - thread: the ID of the thread that the mail joins, or nil.
  ///   - notFound: the remedy if that thread does not exist; nil for that of the command.
  init(
    _ raw: [UInt8], from sender: String, thread: String?, notFound: String?,
    with client: GmailClient, in invocation: Invocation
  ) {
    self.raw = raw
    self.sender = sender
    self.thread = thread
    self.notFound = notFound
    self.client = client
    self.invocation = invocation
  }

  /// - Returns: Gmail's response after sending the mail.
  func run() async throws(CommandError) -> JSON {
    let uploadURL = try await begin()
    var offset = 0
    var furthest = 0
    var attempt = 1
    while true {
      switch try await send(from: offset, to: uploadURL) {
      case .sent(let body): return body
      case .received(let next, let fault):
        if next > furthest {
          furthest = next
          attempt = 1
          invocation.extendDeadline()
        } else {
          guard try await invocation.mayRetry(afterAttempt: attempt) else {
            throw fault
              ?? failure("Gmail accepts only \(next) of the mail's \(raw.count) bytes.")
          }
          attempt += 1
        }
        offset = next
      }
    }
  }

  /// - Returns: the upload URL.
  private func begin() async throws(CommandError) -> String {
    var request = client.upload(sender, bytes: raw.count, thread: thread)
    request.isSideEffectFree = true
    let response = try await client.send(request, in: invocation)
    guard response.isSuccess else { throw refusal(response) }
    guard let url = response.header("location"), client.mayUpload(to: url) else {
      throw failure("Gmail returned no upload URL, or one of a different origin.")
    }
    return url
  }

  // MARK: Chunks

  private func send(from offset: Int, to url: String) async throws(CommandError) -> Status {
    let end = min(offset + Self.chunkBytes, raw.count)
    let isLast = end == raw.count
    var request = request(url, Array(raw[offset..<end]), range: "\(offset)-\(end - 1)")
    request.callerResolvesOutcome = true
    request.isSideEffectFree = !isLast
    let fault: CommandError
    do throws(CommandError) {
      let response = try await client.upload(request, in: invocation)
      guard HTTPStatus.leavesOutcomeOpen(response.status) else {
        return try status(response, isLast: isLast)
      }
      fault = refusal(response, mayBeSent: isLast)
    } catch {
      guard error.kind == .network || error.kind == .timeout else { throw error }
      fault = error
    }
    guard let progress = await progress(at: url) else {
      throw Task.isCancelled
        ? invocation.withRemedy(.cancelled(outcome: fault.outcome)) : fault
    }
    return try status(progress, after: fault, isLast: isLast)
  }

  /// The status of the upload, or the response to the complete mail; nil if unavailable.
  private func progress(at url: String) async -> HTTPResponse? {
    var request = request(url, [], range: "*")
    request.isSideEffectFree = true
    guard let response = try? await client.upload(request, in: invocation),
      response.isSuccess || response.status == 308
    else { return nil }
    return response
  }

  private func request(_ url: String, _ chunk: [UInt8], range: String) -> HTTPRequest {
    var request = HTTPRequest(.put, url, body: chunk)
    request.headers = [
      HTTPRequest.Header("Content-Type", "message/rfc822"),
      HTTPRequest.Header("Content-Range", "bytes \(range)/\(raw.count)"),
      HTTPRequest.Header("Accept", "application/json"),
    ]
    request.credential = GmailGrant(.sendMail, user: sender).text
    return request
  }

  // MARK: Responses

  /// - Parameter isLast: whether the last chunk was sent, so that Gmail may have sent the mail.
  private func status(
    _ response: HTTPResponse, after fault: CommandError? = nil, isLast: Bool
  ) throws(CommandError) -> Status {
    // 308 without Location: the upload is incomplete.
    guard response.status == 308 else {
      return .sent(try client.read(response, notFound: notFound, in: invocation))
    }
    guard let received = Self.received(response), received < raw.count else {
      throw failure(
        "Gmail's response does not state how many bytes it received.",
        outcome: isLast ? .unknown : .notApplied)
    }
    return .received(received, fault)
  }

  /// The number of received bytes from `Range: bytes=0-8388607`; 0 without a range, nil if it is
  /// malformed.
  private static func received(_ response: HTTPResponse) -> Int? {
    guard let range = response.header("range") else { return 0 }
    let span = range.hasPrefix("bytes=") ? range.dropFirst(6) : range[...]
    let digits = span.dropFirst(2)
    guard span.hasPrefix("0-"), digits.allSatisfy({ $0.isASCII && $0.isNumber }),
      let last = Int(digits), last < Int.max
    else { return nil }
    return last + 1
  }

  private func refusal(_ response: HTTPResponse, mayBeSent: Bool = false) -> CommandError {
    var error = GmailErrors.error(response, notFound: notFound, in: invocation)
    error.outcome = mayBeSent ? .unknown : .notApplied
    return invocation.withRemedy(error)
  }

  private func failure(
    _ message: String, outcome: CommandError.Outcome = .notApplied
  ) -> CommandError {
    invocation.withRemedy(CommandError(.upstream, message, outcome: outcome))
  }
}
