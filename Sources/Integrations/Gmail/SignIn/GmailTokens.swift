import Basics
import HTTP
import IntegrationKit
import JSON
import Synchronization

/// The access tokens of one connection: one per grant.
final class GmailTokens: Sendable {
  /// Grants whose tokens are kept; beyond, those that were used least recently are dropped. A host that
  /// walks through a large domain signs in again.
  private static let maximumGrants = 1_000

  private struct Grants {
    var entries: [String: (authenticator: Authenticator<AccessToken>, lastUse: Int)] = [:]
    var uses = 0
  }

  private let settings: GmailSettings
  private let signIn: GmailSignIn
  private let connection: Connection
  private let grants = Mutex(Grants())

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    signIn = GmailSignIn(settings, on: connection)
    self.connection = connection
  }

  var endpoint: TokenEndpoint { signIn.endpoint }

  /// A token for all scopes of the connection, as its administrator or user, and the scopes that it
  /// has; nil if they are not known.
  func tokenForAllScopes() async throws(CommandError) -> (AccessToken, [GmailScope]?) {
    try await signIn.token(for: settings.scopes, in: .signIn(on: connection))
  }

  /// Why none of the scopes of the connection allows an operation; nil if one does.
  func refusal(of operation: GmailOperation) -> CommandError? {
    do throws(CommandError) {
      _ = try scope(for: operation)
      return nil
    } catch {
      return error
    }
  }

  /// The least scope of the connection that suffices.
  ///
  /// - Throws: if none does. The error names those that would, the least first.
  private func scope(for operation: GmailOperation) throws(CommandError) -> GmailScope {
    if let least = operation.leastScope(of: settings.scopes) { return least }
    let names = operation.sufficientScopes.map(\.rawValue).joined(separator: ", ")
    throw CommandError(
      .permission,
      "The scopes of the connection do not allow \(operation.gerund). Sufficient is one of: \(names).",
      remedy: settings.authenticationType == .serviceAccount
        ? "Delegate the first of these scopes to the service account, and add it to scopes."
        : "Add the first of these to scopes, then let the user consent again with sallyport auth gmail."
    )
  }

  /// - Throws: if the scopes of the connection do not allow the operation.
  func authenticator(
    for grant: GmailGrant
  ) throws(CommandError) -> Authenticator<AccessToken> {
    authenticator(for: try scope(for: grant.operation), user: grant.user)
  }

  /// - Parameter user: nil for the administrator.
  func authenticator(for scope: GmailScope, user: String?) -> Authenticator<AccessToken> {
    // The consent of a user covers all scopes, with one token.
    let key = signIn.hasTokenPerGrant ? "\(scope.rawValue) \(user ?? "")" : ""
    let (authenticator, dropped) = grants.withLock {
      grants -> (Authenticator<AccessToken>, Authenticator<AccessToken>?) in
      grants.uses += 1
      let known = grants.entries[key]?.authenticator
      var dropped: Authenticator<AccessToken>?
      if known == nil, grants.entries.count >= Self.maximumGrants,
        let oldest = grants.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
      {
        dropped = grants.entries.removeValue(forKey: oldest)?.authenticator
      }
      let authenticator = known ?? newAuthenticator(for: scope, user: user)
      grants.entries[key] = (authenticator, grants.uses)
      return (authenticator, dropped)
    }
    dropped?.releaseSecrets()
    return authenticator
  }

  private func newAuthenticator(
    for scope: GmailScope, user: String?
  ) -> Authenticator<AccessToken> {
    Authenticator(
      on: connection, texts: { [$0.text] }, header: { "Bearer \($0.text)" },
      isStale: { $0.isStale },
      refresh: { [signIn] (_, invocation) async throws(CommandError) in
        try await signIn.token(for: scope, user: user, in: invocation)
      })
  }
}

/// Gets access tokens: with a refresh token, or as a service account.
private struct GmailSignIn: Sendable {
  let endpoint: TokenEndpoint
  private let settings: GmailSettings
  private let connection: Connection
  private let account = SingleFlight<ServiceAccount>()

  init(_ settings: GmailSettings, on connection: Connection) {
    self.settings = settings
    self.connection = connection
    endpoint = TokenEndpoint(settings, on: connection)
  }

  var hasTokenPerGrant: Bool { settings.authenticationType == .serviceAccount }

  func token(
    for scope: GmailScope, user: String?, in signIn: Invocation
  ) async throws(CommandError) -> AccessToken {
    switch settings.authenticationType {
    case .oauthClientID:
      return try await endpoint.refresh(in: signIn).token
    case .serviceAccount:
      return try await exchange([scope], as: user, in: signIn)
    }
  }

  /// - Returns: also the scopes that the token has; nil if they are not known.
  func token(
    for scopes: [GmailScope], in signIn: Invocation
  ) async throws(CommandError) -> (AccessToken, [GmailScope]?) {
    switch settings.authenticationType {
    case .oauthClientID:
      let answer = try await endpoint.refresh(in: signIn)
      let granted = answer.scopes.map { $0.split(separator: " ").map(String.init) }
      return (answer.token, granted.map { $0.compactMap { GmailScope(named: $0) } })
    case .serviceAccount:
      return (try await exchange(scopes, as: nil, in: signIn), scopes)
    }
  }

  private func exchange(
    _ scopes: [GmailScope], as user: String?, in signIn: Invocation
  ) async throws(CommandError) -> AccessToken {
    let account = try await account.value(in: signIn.sender) {
      (_) throws(CommandError) in try await readAccount(in: signIn)
    }.value
    let user = user ?? settings.adminEmail ?? ""
    let assertion = try account.assertion(
      for: user, scopes: scopes, at: WallClock.nowMilliseconds / 1_000)
    return try await endpoint.exchange(assertion: assertion, in: signIn)
  }

  private func readAccount(in signIn: Invocation) async throws(CommandError) -> ServiceAccount {
    guard let reference = settings.serviceAccount else {
      preconditionFailure("the settings were checked")
    }
    let text = try await TokenEndpoint.read(
      reference, "service_account_json", in: signIn)
    if let key = try? ServiceAccount.json(of: text)["private_key"]?.string {
      connection.secrets.add(key)
    }
    try await signIn.openLibcrypto()
    return try ServiceAccount(text)
  }
}
