import Basics
import HTTP
import Plugin

/// Sends a large mail in pieces (resumable upload, developers.google.com/workspace/gmail/api/guides/uploads).
///
/// Gmail sends it when it has the last piece. A piece says where it belongs, so those before the last
/// are repeated like reads. When the last one got no clear answer Gmail is asked how far it got: only
/// a piece that it says it does not have is given to it again.
struct MailUpload {
  /// Bytes of a piece; a multiple of 256 KiB, as Gmail wants it.
  private static let pieceBytes = 8 * 1_024 * 1_024
  /// Answers without progress after which it gives up.
  private static let maximumStalls = 4

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
    var stalls = 0
    while true {
      let response = try await send(from: offset, to: place)
      // 308, here without a Location: go on.
      guard response.status == 308 else { return try client.read(response, in: invocation) }
      let next = try received(response, isAll: offset + Self.pieceBytes >= raw.count)
      stalls = next > offset ? 0 : stalls + 1
      guard stalls < Self.maximumStalls else {
        throw failure("Gmail does not take more than \(next) of the mail's \(raw.count) bytes.")
      }
      offset = next
    }
  }

  /// The URL to upload to.
  private func begin() async throws(CommandError) -> String {
    var request = client.upload(sender, bytes: raw.count)
    request.changesNothing = true
    let response = try await client.send(request, in: invocation)
    guard response.isSuccess else {
      var error = GmailErrors.error(response, in: invocation)
      error.outcome = .notApplied
      throw error
    }
    guard let place = response.header("location"), client.mayUpload(to: place) else {
      throw failure("Gmail named no place of its own to upload the mail to.")
    }
    return place
  }

  private func send(from offset: Int, to place: String) async throws(CommandError) -> HTTPResponse {
    let end = min(offset + Self.pieceBytes, raw.count)
    let isLast = end == raw.count
    var request = request(place, Array(raw[offset..<end]), range: "\(offset)-\(end - 1)")
    request.changesNothing = !isLast
    do throws(CommandError) {
      let response = try await client.send(request, in: invocation)
      guard response.status >= 500 else { return response }
      guard isLast else {
        var error = GmailErrors.error(response, in: invocation)
        error.outcome = .notApplied
        throw error
      }
      return await progress(at: place) ?? response
    } catch {
      guard isLast, error.outcome == .unknown, error.kind != .cancelled,
        let response = await progress(at: place)
      else { throw error }
      return response
    }
  }

  /// How far Gmail got, or its answer to the whole mail; nil when it does not say.
  private func progress(at place: String) async -> HTTPResponse? {
    var request = request(place, [], range: "*")
    request.changesNothing = true
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

  /// Bytes that Gmail has: `Range: bytes=0-8388607`, or none of it.
  ///
  /// - Parameter isAll: whether it was given the last piece, and may have sent the mail.
  private func received(
    _ response: HTTPResponse, isAll: Bool
  ) throws(CommandError) -> Int {
    guard let range = response.header("range") else { return 0 }
    guard range.hasPrefix("bytes=0-") || range.hasPrefix("0-"),
      let last = Int(range[range.index(after: range.lastIndex(of: "-") ?? range.startIndex)...]),
      last < raw.count - 1, last >= 0
    else {
      throw failure(
        "Gmail says in a form that is none how much of the mail it has.",
        outcome: isAll ? .unknown : .notApplied)
    }
    return last + 1
  }

  private func failure(
    _ message: String, outcome: CommandError.Outcome = .notApplied
  ) -> CommandError {
    invocation.withRemedy(CommandError(.upstream, message, outcome: outcome))
  }
}
