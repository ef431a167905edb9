import Basics
import HTTP
import IntegrationKit
import JSON
import Synchronization

/// The access tokens of one connection, one per grant. Concurrent callers share one request.
final class GmailTokens: Sendable {
  typealias Flight = SingleFlight<AccessToken>

  /// Maximum number of cached tokens. The least recently used ones are dropped, so a host that iterates
  /// over a whole domain requests tokens again.
  private static let maximumGrants = 1_000

  private let settings: GmailSettings
  private let connection: Connection
  let endpoint: TokenEndpoint
  private let account = SingleFlight<ServiceAccount>()
  private let grants = Mutex(Grants())

  private struct Grants {
    var entries: [String: (flight: Flight, lastUse: Int)] = [:]
    var uses = 0
  }

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    endpoint = TokenEndpoint(settings, on: connection)
  }

  /// The token for a grant.
  ///
  /// - Parameter stale: one that the vendor did not take.
  func token(
    for grant: GmailGrant, insteadOf stale: Flight.Holding? = nil, in invocation: Invocation
  ) async throws(CommandError) -> Flight.Holding {
    let flight = flight(for: grant)
    var holding = try await fetch(grant, flight, insteadOf: stale, in: invocation)
    if holding.value.isStale {
      holding = try await fetch(grant, flight, insteadOf: holding, in: invocation)
    }
    return holding
  }

  private func flight(for grant: GmailGrant) -> Flight {
    // With user consent, one token covers all scopes.
    let key = settings.authenticationType == .serviceAccount ? grant.text : ""
    let (flight, dropped) = grants.withLock { grants -> (Flight, Flight?) in
      grants.uses += 1
      let known = grants.entries[key]?.flight
      var dropped: Flight?
      if known == nil, grants.entries.count >= Self.maximumGrants,
        let oldest = grants.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
      {
        dropped = grants.entries.removeValue(forKey: oldest)?.flight
      }
      let flight = known ?? Flight()
      grants.entries[key] = (flight, grants.uses)
      return (flight, dropped)
    }
    for text in dropped?.current?.texts ?? [] { connection.secrets.remove(text) }
    return flight
  }

  private func fetch(
    _ grant: GmailGrant, _ flight: Flight, insteadOf stale: Flight.Holding?,
    in invocation: Invocation
  ) async throws(CommandError) -> Flight.Holding {
    try await flight.value(insteadOf: stale, in: invocation) {
      [self] (old) throws(CommandError) in
      let signIn = Invocation.signIn(on: connection) { [flight] in flight.mayWait(until: $0) }
      var token = try await newToken(grant, in: signIn)
      for text in old?.superseded ?? [] { connection.secrets.remove(text) }
      token.superseded = old.map { [$0.text] } ?? []
      return token
    }
  }

  private func newToken(
    _ grant: GmailGrant, in signIn: Invocation
  ) async throws(CommandError) -> AccessToken {
    switch settings.authenticationType {
    case .oauthClientID:
      return try await endpoint.refresh(in: signIn)
    case .serviceAccount:
      let account = try await account.value(in: signIn) {
        [self] (_) throws(CommandError) in try await readAccount()
      }.value
      let user = grant.user ?? settings.adminEmail ?? ""
      let assertion = try account.assertion(
        for: user, scope: grant.scope, at: WallClock.nowMilliseconds / 1_000)
      return try await endpoint.exchange(assertion: assertion, in: signIn)
    }
  }

  private func readAccount() async throws(CommandError) -> ServiceAccount {
    guard let reference = settings.serviceAccount else {
      preconditionFailure("the settings were checked")
    }
    let text = try await TokenEndpoint.read(reference, "service_account_json", connection)
    if let key = try? JSON.parse(text)["private_key"]?.string { connection.secrets.add(key) }
    return try ServiceAccount(text)
  }
}
