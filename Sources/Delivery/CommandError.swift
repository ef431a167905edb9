import JSON

/// Why a command failed: the documented triple (indicator, status code, message), and members for
/// programs (kind, retryable, outcome).
public struct CommandError: Error, Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    /// The vendor returned an error.
    case upstream
    /// The credentials are missing or were not accepted.
    case auth
    /// The credentials were accepted but do not permit the operation.
    case permission
    case rateLimited = "rate_limited"
    case timeout
    case network
    case validation
    case notFound = "not_found"
    /// The policy of the connection forbids it.
    case policy
    case cancelled
    case unavailable
    /// The result exceeds the limit of the host.
    case tooLarge = "too_large"
    case `internal`
  }

  /// Whether the vendor may have acted.
  public enum Outcome: String, CaseIterable, Sendable {
    case notApplied = "not_applied"
    case unknown
  }

  public var kind: Kind
  /// The vendor's HTTP status, or the status that represents the kind.
  public var statusCode: Int
  /// A sentence for people, without secrets.
  public var message: String
  public var isRetryable: Bool
  public var retryAfterMilliseconds: Int?
  public var outcome: Outcome
  /// What the user can do about it.
  public var remedy: String?
  /// The vendor's response, as JSON.
  public var upstream: JSONFragment?
  /// Whether the sign-in failed: the status is not that of the command's request then.
  public var concernsSignIn = false
  /// The outcome per target, of a command over several.
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
  /// Writes the members of the error object.
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

extension CommandError {
  /// Writes the members of the error of an event that is not complete.
  public func writeSummary(to writer: inout JSONWriter) {
    writer.member("kind", kind.rawValue)
    writer.member("status_code", statusCode)
    writer.member("message", message)
    writer.member(ifPresent: "remedy", remedy)
  }
}

extension CommandError.Kind {
  /// The status code of a failure without a vendor's response.
  var statusCode: Int {
    switch self {
    case .validation: 400
    case .auth: 401
    case .policy, .permission: 403
    case .notFound: 404
    case .tooLarge: 413
    case .rateLimited: 429
    case .cancelled: 499
    case .internal: 500
    case .network, .upstream: 502
    case .unavailable: 503
    case .timeout: 504
    }
  }

  /// The kind that a vendor's status represents.
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
