import Basics
import HTTP
import JSON

/// Sends export requests to a collector, and repeats them as the OTLP specification says.
struct OTLPDelivery: Sendable {
  /// Spans that the collector did not accept.
  struct Loss: Sendable {
    let spans: Int
    let reason: String
  }

  /// How the sending task learns that the process ends, and waits.
  struct Patience: Sendable {
    /// Nil while the process does not end.
    let end: @Sendable () -> Deadline?
    /// Waits, at most until the process ends.
    let pause: @Sendable (_ until: Deadline) async -> Void
  }

  /// Milliseconds of one request.
  private static let requestMilliseconds = 10_000
  private static let maximumAttempts = 5
  /// Milliseconds before the second attempt, doubled after each further one, and of the longest pause
  /// that a collector may ask for.
  private static let firstPauseMilliseconds = 1_000
  private static let longestPauseMilliseconds = 60_000
  private static let maximumResponseBytes = 64 * 1_024

  let endpoint: OTLPEndpoint
  let transport: any Transport

  private enum Answer {
    case accepted
    case lost(Loss)
    case retry(after: RetryAfter?, reason: String)
  }

  /// - Parameter count: the number of spans in the body.
  /// - Returns: nil if all were accepted.
  func send(_ body: [UInt8], count: Int, _ patience: Patience) async -> Loss? {
    var pauseMilliseconds = Self.firstPauseMilliseconds
    for attempt in 1...Self.maximumAttempts {
      let reason: String
      let wait: Int
      switch await answer(to: body, count, end: patience.end()) {
      case .accepted: return nil
      case .lost(let loss): return loss
      case .retry(let after, let why):
        reason = why
        // Jitter: collectors restart, and many hosts wait for them.
        wait = min(
          after?.milliseconds ?? Int.random(in: pauseMilliseconds / 2...pauseMilliseconds),
          Self.longestPauseMilliseconds)
      }
      pauseMilliseconds *= 2
      let resumption = Deadline(inMilliseconds: wait)
      guard attempt < Self.maximumAttempts,
        await canContinue(at: resumption, patience)
      else { return Loss(spans: count, reason: reason) }
    }
    return nil
  }

  private func canContinue(at resumption: Deadline, _ patience: Patience) async -> Bool {
    while !resumption.hasPassed {
      if let end = patience.end(), end.time <= resumption.time { return false }
      await patience.pause(resumption)
    }
    return true
  }

  private func answer(to body: [UInt8], _ count: Int, end: Deadline?) async -> Answer {
    let request = HTTPRequest(
      .post, endpoint.url, headers: endpoint.headers, json: JSONFragment(trusted: body))
    let deadline =
      end?.orEarlier(inMilliseconds: Self.requestMilliseconds)
      ?? Deadline(inMilliseconds: Self.requestMilliseconds)
    let route = TransportRoute(maximumResponseBytes: Self.maximumResponseBytes)
    let response: HTTPResponse
    do throws(TransportError) {
      response = try await transport.send(request, through: route, deadline: deadline)
    } catch {
      switch error.kind {
      case .cannotConnect, .timedOut, .refused, .interrupted, .shortage:
        return .retry(after: nil, reason: error.reason)
      default:
        return .lost(Loss(spans: count, reason: error.reason))
      }
    }
    switch response.status {
    case 200..<300: return rejected(response).map { .lost($0) } ?? .accepted
    case 429, 502, 503, 504:
      let after = response.header("retry-after").flatMap {
        RetryAfter($0, nowMilliseconds: WallClock.nowMilliseconds)
      }
      return .retry(
        after: after, reason: "the collector answered \(response.status)")
    default:
      return .lost(Loss(spans: count, reason: "the collector answered \(response.status)"))
    }
  }

  /// What a partial success leaves out. It is not repeated.
  private func rejected(_ response: HTTPResponse) -> Loss? {
    guard let partial = (try? JSON.parse(response.body))?["partialSuccess"],
      let rejected = partial["rejectedSpans"],
      // A string in JSON Protobuf Encoding; a number is accepted there, too.
      let count = rejected.integer ?? rejected.string.flatMap({ Int64($0) }), count > 0
    else { return nil }
    let message = partial["errorMessage"]?.string ?? ""
    return Loss(spans: Int(clamping: count), reason: "the collector rejected them: \(message)")
  }
}
