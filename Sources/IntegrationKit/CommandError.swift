import Basics
import HTTP
import JSON

/// Why a command failed, in the terms of the documents (indicator, status code, message) and in
/// those that a program decides by (kind, retryable, outcome).
public struct CommandError: Error, Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    /// The vendor answered with an error of its own.
    case upstream
    /// The credentials are missing or were not accepted.
    case auth
    /// The credentials were accepted, but may not do this.
    case permission
    case rateLimited = "rate_limited"
    case timeout
    case network
    case validation
    case notFound = "not_found"
    /// The connection's own rules forbid it.
    case policy
    case cancelled
    case unavailable
    case `internal`
  }

  /// Whether the vendor may have acted.
  public enum Outcome: String, CaseIterable, Sendable {
    case notApplied = "not_applied"
    case unknown
  }

  public var kind: Kind
  /// The vendor's HTTP status, or the one that stands for the kind.
  public var statusCode: Int
  /// A sentence for people, without secrets.
  public var message: String
  public var isRetryable: Bool
  public var retryAfterMilliseconds: Int?
  public var outcome: Outcome
  /// What the user can do about it.
  public var remedy: String?
  /// What the vendor answered, as JSON.
  public var upstream: JSONFragment?
  /// Whether it is the sign-in that failed, so that the status says nothing of the command's own
  /// request.
  public var concernsSignIn = false
  /// Of a command over several targets: what became of each.
  public var targets: [TargetOutcome] = []

  public init(
    _ kind: Kind, statusCode: Int? = nil, _ message: String, isRetryable: Bool = false,
    retryAfterMilliseconds: Int? = nil, outcome: Outcome = .notApplied, remedy: String? = nil,
    upstream: JSONFragment? = nil
  ) {
    self.kind = kind
    self.statusCode = statusCode ?? kind.statusCode
    self.message = message
    self.isRetryable = isRetryable
    self.retryAfterMilliseconds = retryAfterMilliseconds
    self.outcome = outcome
    self.remedy = remedy
    self.upstream = upstream
  }
}

extension CommandError {
  /// Writes the documents' triple and what a program decides by, as members.
  public func writeMembers(to writer: inout JSONWriter, indicator: String) {
    writer.member("failure_indicator", indicator)
    writer.member("status_code", statusCode)
    writer.member("message", message)
    writer.member("kind", kind.rawValue)
    writer.member("retryable", isRetryable)
    if let retryAfterMilliseconds { writer.member("retry_after_ms", retryAfterMilliseconds) }
    writer.member("outcome", outcome.rawValue)
    writer.member(ifPresent: "remedy", remedy)
    if !targets.isEmpty {
      writer.name("targets")
      writer.array { writer in
        for target in targets {
          target.write(to: &writer, indicator: indicator, withData: true)
        }
      }
    }
    if let upstream { writer.member("upstream", upstream) }
  }
}

extension CommandError.Kind {
  /// The status code that stands for a failure without an answer of the vendor's.
  var statusCode: Int {
    switch self {
    case .validation: 400
    case .auth: 401
    case .policy, .permission: 403
    case .notFound: 404
    case .rateLimited: 429
    case .cancelled: 499
    case .internal: 500
    case .network, .upstream: 502
    case .unavailable: 503
    case .timeout: 504
    }
  }

  /// The kind that a vendor's status stands for.
  public init(status: Int) {
    switch status {
    case 401: self = .auth
    case 402, 403: self = .permission
    case 404: self = .notFound
    case 408, 504: self = .timeout
    case 429: self = .rateLimited
    default: self = .upstream
    }
  }
}

extension CommandError {
  /// An answer with an error status; the message is the status's phrase unless there is a better.
  public static func upstream(
    _ response: HTTPResponse, message: String? = nil, outcome: Outcome = .notApplied,
    remedy: String? = nil
  ) -> CommandError {
    CommandError(
      Kind(status: response.status), statusCode: response.status,
      message ?? "\(HTTPStatus.reason(response.status)).",
      isRetryable: [408, 429, 500, 502, 503, 504].contains(response.status),
      retryAfterMilliseconds: response.retryAfterMilliseconds, outcome: outcome, remedy: remedy,
      upstream: response.excerpt)
  }

  public static func timeout(_ what: String, outcome: Outcome) -> CommandError {
    CommandError(
      .timeout, "\(what) took longer than the deadline allowed.", isRetryable: true,
      outcome: outcome, remedy: "Raise options.timeout_ms, or ask for less at a time.")
  }

  public static func cancelled(outcome: Outcome) -> CommandError {
    CommandError(.cancelled, "The request was cancelled.", isRetryable: false, outcome: outcome)
  }

  /// A transport error, for a request whose repetition is or is not harmless.
  public static func transport(_ error: TransportError, outcome: Outcome) -> CommandError {
    let reason = error.reason.prefix(1).uppercased() + error.reason.dropFirst() + "."
    switch error.kind {
    case .cannotConnect:
      return CommandError(
        .network, reason, isRetryable: true,
        remedy: "Check the server URL, the network and the proxy of the connection.")
    case .tls:
      return CommandError(
        .network, reason,
        remedy: "Check the server's certificate, and tls.ca_file when it is signed privately.")
    case .timedOut:
      return CommandError(
        .timeout, reason, isRetryable: true, outcome: outcome,
        remedy: "Raise options.timeout_ms, or ask for less at a time.")
    case .interrupted:
      return CommandError(.network, reason, isRetryable: true, outcome: outcome)
    case .responseTooLarge:
      return CommandError(
        .upstream, reason, outcome: outcome, remedy: "Ask for less at a time, such as one page.")
    case .tooManyRedirects:
      return CommandError(.network, reason, remedy: "Check the server URL of the connection.")
    case .cancelled:
      return .cancelled(outcome: outcome)
    case .unavailable:
      return CommandError(
        .unavailable, reason, remedy: "Install libcurl (Debian: libcurl4) on this machine.")
    }
  }
}

extension HTTPResponse {
  /// The wait that the vendor asks for.
  public var retryAfterMilliseconds: Int? {
    header("retry-after").flatMap {
      RetryAfter.milliseconds($0, nowMilliseconds: WallClock.nowMilliseconds)
    }
  }

  /// Bytes of a vendor's error body that are passed on.
  static let excerptBytes = 8_192

  /// The body as JSON for an error: parsed when it is JSON and not long, else as text.
  var excerpt: JSONFragment? {
    if body.isEmpty { return nil }
    if body.count <= Self.excerptBytes, let json = try? JSON.parse(body) {
      return JSONFragment(json)
    }
    return JSONFragment { $0.string(utf8: body.prefix(Self.excerptBytes)) }
  }
}
