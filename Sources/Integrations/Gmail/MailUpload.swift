import Basics
import HTTP
import IntegrationKit
import JSON

/// Sends a large mail in pieces (resumable upload, developers.google.com/workspace/gmail/api/guides/uploads).
///
/// Gmail sends the mail when it has the last piece. After an answer that leaves open what came of a
/// piece, Gmail is asked how far it got, and is given only what it says it does not have: so nothing
/// is sent twice, and what cannot be found out is `unknown`.
struct MailUpload {
  /// Bytes of a piece; a multiple of 256 KiB, as Gmail wants it.
  private static let pieceBytes = 8 * 1_024 * 1_024

  private enum Answer {
    /// Of the whole mail.
    case sent(JSON)
    /// Gmail has so many bytes, which was asked for after a fault or not.
    case has(Int, CommandError?)
  }

  private let raw: [UInt8]
  private let sender: String
  private let client: GmailClient
  private let invocation: Invocation

  init(
    _ raw: [UInt8], from sender: String, with client: GmailClient, in invocation: Invocation
  ) {
    self.raw = raw
    self.sender = sender
    self.client = client
    self.invocation = invocation
  }

  /// What Gmail answers when it has sent the mail.
  func run() async throws(CommandError) -> JSON {
    let place = try await begin()
    var offset = 0
    var furthest = 0
    var attempt = 1
    while true {
      switch try await send(from: offset, to: place) {
      case .sent(let body): return body
      case .has(let next, let fault):
        if next > furthest {
          furthest = next
          attempt = 1
          invocation.extendDeadline()
        } else {
          guard try await invocation.mayRetry(afterAttempt: attempt) else {
            throw fault
              ?? failure("Gmail does not take more than \(next) of the mail's \(raw.count) bytes.")
          }
          attempt += 1
        }
        offset = next
      }
    }
  }

  /// The URL to upload to.
  private func begin() async throws(CommandError) -> String {
    var request = client.upload(sender, bytes: raw.count)
    request.isSideEffectFree = true
    let response = try await client.send(request, in: invocation)
    guard response.isSuccess else { throw refusal(response) }
    guard let place = response.header("location"), client.mayUpload(to: place) else {
      throw failure("Gmail named no place of its own to upload the mail to.")
    }
    return place
  }

  // MARK: Pieces

  private func send(from offset: Int, to place: String) async throws(CommandError) -> Answer {
    let end = min(offset + Self.pieceBytes, raw.count)
    let isLast = end == raw.count
    var request = request(place, Array(raw[offset..<end]), range: "\(offset)-\(end - 1)")
    request.callerResolvesOutcome = true
    request.isSideEffectFree = !isLast
    let fault: CommandError
    do throws(CommandError) {
      let response = try await client.send(request, in: invocation)
      guard response.status >= 500 || response.status == 408 else {
        return try answer(response, isLast: isLast)
      }
      fault = refusal(response, mayBeSent: isLast)
    } catch {
      guard error.kind == .network || error.kind == .timeout else { throw error }
      fault = error
    }
    guard let progress = await progress(at: place) else {
      throw Task.isCancelled
        ? invocation.withRemedy(.cancelled(outcome: fault.outcome)) : fault
    }
    return try answer(progress, after: fault, isLast: isLast)
  }

  /// How far Gmail got, or its answer to the whole mail; nil when it does not say.
  private func progress(at place: String) async -> HTTPResponse? {
    var request = request(place, [], range: "*")
    request.isSideEffectFree = true
    guard let response = try? await client.send(request, in: invocation),
      response.isSuccess || response.status == 308
    else { return nil }
    return response
  }

  private func request(_ place: String, _ piece: [UInt8], range: String) -> HTTPRequest {
    var request = HTTPRequest(.put, place, body: piece)
    request.headers = [
      HTTPRequest.Header("Content-Type", "message/rfc822"),
      HTTPRequest.Header("Content-Range", "bytes \(range)/\(raw.count)"),
      HTTPRequest.Header("Accept", "application/json"),
    ]
    request.credential = GmailGrant(.mail, user: sender).text
    return request
  }

  // MARK: Answers

  /// - Parameter isLast: whether Gmail was given the last piece, and may have sent the mail.
  private func answer(
    _ response: HTTPResponse, after fault: CommandError? = nil, isLast: Bool
  ) throws(CommandError) -> Answer {
    // 308, here without a Location: go on.
    guard response.status == 308 else {
      return .sent(try client.read(response, in: invocation))
    }
    guard let received = Self.received(response), received < raw.count else {
      throw failure(
        "Gmail does not say in its form how much of the mail it has.",
        outcome: isLast ? .unknown : .notApplied)
    }
    return .has(received, fault)
  }

  /// Bytes that Gmail has: `Range: bytes=0-8388607`, or none of it; nil for another form.
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
    var error = GmailErrors.error(response, in: invocation)
    error.outcome = mayBeSent ? .unknown : .notApplied
    return invocation.withRemedy(error)
  }

  private func failure(
    _ message: String, outcome: CommandError.Outcome = .notApplied
  ) -> CommandError {
    invocation.withRemedy(CommandError(.upstream, message, outcome: outcome))
  }
}
