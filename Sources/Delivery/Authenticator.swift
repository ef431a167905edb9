import Basics
import HTTP
import RateLimits
import Redaction
import Synchronization

/// Signs in for the requests of one credential: when it is first needed, and again when it has
/// expired or the vendor rejects it.
///
/// Concurrent requests share one sign-in. The texts of a replaced credential stay redacted until the
/// next replacement: responses in flight may still contain them.
public final class Authenticator<Credential: Sendable>: Sendable {
  /// Whether a caller can wait for a rate limit until a time.
  package typealias MayWait = @Sendable (_ until: MonotonicTime) -> Bool
  package typealias Holding = SingleFlight<Credential>.Holding

  private let flight = SingleFlight<Credential>()
  private let superseded = Mutex<[String]>([])
  private let secrets: Redactor
  private let texts: @Sendable (Credential) -> [String]
  private let header: @Sendable (Credential) -> String
  private let isStale: @Sendable (Credential) -> Bool
  private let isExpired: @Sendable (Credential, HTTPResponse) -> Bool
  private let isReplaced: @Sendable (_ old: Credential, _ new: Credential) -> Bool
  private let refresh:
    @Sendable (_ old: Credential?, _ mayWait: @escaping MayWait) async throws(CommandError) ->
      Credential

  /// - Parameters:
  ///   - texts: the texts that `refresh` has added to `secrets`, once each per sign-in.
  ///   - header: the value of the Authorization header.
  ///   - isStale: whether to replace a credential before it is sent.
  ///   - isExpired: whether a response means that the credential is no longer valid.
  ///   - isReplaced: whether a new credential differs, so that a repetition makes sense.
  ///   - refresh: gets a credential. `old` is nil the first time, and after a failure.
  package init(
    secrets: Redactor, texts: @escaping @Sendable (Credential) -> [String],
    header: @escaping @Sendable (Credential) -> String,
    isStale: @escaping @Sendable (Credential) -> Bool = { _ in false },
    isExpired: @escaping @Sendable (Credential, HTTPResponse) -> Bool = { $1.status == 401 },
    isReplaced: @escaping @Sendable (Credential, Credential) -> Bool = { _, _ in true },
    refresh:
      @escaping @Sendable (Credential?, @escaping MayWait) async throws(CommandError) ->
      Credential
  ) {
    self.secrets = secrets
    self.texts = texts
    self.header = header
    self.isStale = isStale
    self.isExpired = isExpired
    self.isReplaced = isReplaced
    self.refresh = refresh
  }

  /// Sends a request with the credential, and once more with a new one if the vendor rejects it.
  ///
  /// - Throws: if signing in failed, or no response arrived. Not thrown: any status.
  package func send(
    _ request: HTTPRequest, in sender: Sender,
    refusedByRate rateRefusal: (HTTPResponse) -> RateRefusal?
  ) async throws(CommandError) -> HTTPResponse {
    let holding = try await holding(in: sender)
    let response = try await sender.send(
      authorized(request, holding.value), refusedByRate: rateRefusal)
    guard isExpired(holding.value, response) else { return response }
    let next = try await self.holding(insteadOf: holding, in: sender)
    guard isReplaced(holding.value, next.value) else { return response }
    return try await sender.send(authorized(request, next.value), refusedByRate: rateRefusal)
  }

  /// A credential that is not stale.
  ///
  /// - Parameter rejected: a credential that the vendor rejected.
  package func holding(
    insteadOf rejected: Holding? = nil, in sender: Sender
  ) async throws(CommandError) -> Holding {
    // Almost always there is one, which needs no flight.
    let known = flight.holding(insteadOf: rejected)
    if let known, !isStale(known.value) { return known }
    let holding = try await fetch(insteadOf: rejected, in: sender)
    guard isStale(holding.value) else { return holding }
    return try await fetch(insteadOf: holding, in: sender)
  }

  /// Stops the redaction of its texts; for an authenticator that is dropped.
  package func releaseSecrets() {
    let old = superseded.withLock { superseded in
      defer { superseded = [] }
      return superseded
    }
    for text in old + (flight.current.map(texts) ?? []) { secrets.remove(text) }
  }

  private func authorized(_ request: HTTPRequest, _ credential: Credential) -> HTTPRequest {
    var request = request
    request.headers.append(
      HTTPRequest.Header("Authorization", header(credential), isSecret: true))
    return request
  }

  private func fetch(
    insteadOf old: Holding?, in sender: Sender
  ) async throws(CommandError) -> Holding {
    try await flight.value(insteadOf: old, in: sender) {
      [self] (old) throws(CommandError) in try await replacement(for: old)
    }
  }

  private func replacement(for old: Credential?) async throws(CommandError) -> Credential {
    let oldTexts = old.map(texts) ?? []
    do throws(CommandError) {
      let new = try await refresh(old) { [flight] in flight.mayWait(until: $0) }
      let released = superseded.withLock { superseded in
        defer { superseded = oldTexts }
        return superseded
      }
      for text in released { secrets.remove(text) }
      return new
    } catch {
      superseded.withLock { $0 += oldTexts }
      throw error
    }
  }
}
