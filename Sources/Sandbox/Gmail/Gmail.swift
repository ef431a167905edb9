import Basics
import HTTPServer
import JSON
import Synchronization

/// An emulated Google Workspace domain, `harbor.example`: Gmail, the directory, and sign-in.
///
/// | path | Google's address |
/// |---|---|
/// | `/gmail/v1/…`, `/upload/gmail/v1/…`, `/batch…` | `https://gmail.googleapis.com` |
/// | `/admin/directory/v1/…` | `https://admin.googleapis.com` |
/// | `/token` | `https://oauth2.googleapis.com/token` |
/// | `/o/oauth2/v2/auth` | `https://accounts.google.com/o/oauth2/v2/auth` |
///
/// `GmailSeed` documents the data that tests can rely on. Times are those of the sandbox's clock:
/// access tokens live for `GoogleGrants.accessSeconds`, attachment ids for
/// `GmailAttachmentIDs.lifeSeconds`, page tokens of users for three days.
final class Gmail: EmulatedVendor {
  static let integrationID = "gmail"
  static let tokenPath = "/token"
  static let consentPath = "/o/oauth2/v2/auth"
  private static let olderConsentPath = "/o/oauth2/auth"

  static let vocabulary = FaultVocabulary(
    name: "gmail", hasSignIn: true, quirks: [.newRefreshToken],
    reasons: GoogleErrorForm.reasons, signInReasons: GoogleErrorForm.signInReasons)

  let vocabulary: FaultVocabulary = Gmail.vocabulary
  let integration = Gmail.integrationID
  let connectionName = "gmail_sandbox"

  /// Lazy: a host that starts an emulator creates its data only on first use.
  private let state = Mutex<GoogleDomain?>(nil)

  func reset() { state.withLock { $0 = nil } }

  // MARK: Connections

  func connection(origin: String) -> JSONFragment {
    Self.connection(origin, "service_account") { writer in
      writer.member("admin_email", GmailSeed.admin)
      writer.member("service_account_json", GoogleServiceAccount.keyFile(origin: origin))
    }
  }

  func connections(origin: String) -> [(name: String, connection: JSONFragment)] {
    let consented = Self.connection(origin, "oauth_client_id") { writer in
      writer.member("client_id", GoogleClient.id)
      writer.member("client_secret", GoogleClient.secret)
      writer.member("authorization_code", GoogleClient.authorizationCode)
      writer.member("callback_url", GoogleClient.callback)
      writer.member("refresh_token", GoogleClient.refreshToken)
    }
    return [(connectionName, connection(origin: origin)), ("gmail_oauth_sandbox", consented)]
  }

  private static func connection(
    _ origin: String, _ type: String, _ credentials: (inout JSONWriter) -> Void
  ) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", integrationID)
        writer.name("settings")
        writer.object { writer in
          writer.member("authentication_type", type)
          writer.member("api_version", "v1")
          credentials(&writer)
          writer.member("gmail_url", origin)
          writer.member("directory_url", origin)
          writer.member("token_url", origin + tokenPath)
          writer.member("authorization_url", origin + consentPath)
        }
      }
    }
  }

  // MARK: Requests

  func faultPath(of path: String) -> String? {
    isSignIn(path) || GmailRoute.handles(path) || GmailBatch.isBatch(path) ? path : nil
  }

  func isSignIn(_ faultPath: String) -> Bool {
    [Self.tokenPath, Self.consentPath, Self.olderConsentPath].contains(faultPath)
  }

  func batch(in request: HTTPServer.Request) -> VendorBatch? { GmailBatch.read(request) }

  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, quirks: Set<VendorQuirk>
  ) -> HTTPServer.Response {
    do {
      if request.path == Self.tokenPath { return try token(request, clock, quirks) }
      if isSignIn(request.path) {
        guard request.method == "GET" else { throw GoogleAPIError.noSuchPage }
        return withDomain { GoogleConsent(request: request, now: clock.now).respond(&$0) }
      }
      if GmailBatch.isBatch(request.path) { return GmailBatch.errorResponse(request) }
      let meant = request.overridden
      return try GmailFields.selected(of: call(meant, clock), by: meant)
    } catch {
      return (error as? GoogleAPIError)?.response ?? GoogleAPIError.noSuchPage.response
    }
  }

  private func token(
    _ request: HTTPServer.Request, _ clock: SandboxClock, _ quirks: Set<VendorQuirk>
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    guard request.method == "POST" else { throw .noSuchPage }
    let endpoint = GoogleTokenEndpoint(
      request, now: clock.now, rotatesRefreshTokens: quirks.contains(.newRefreshToken))
    do {
      return try withDomain { (domain) throws(GoogleTokenError) in try endpoint.respond(&domain) }
    } catch {
      return error.response
    }
  }

  private func call(
    _ request: HTTPServer.Request, _ clock: SandboxClock
  ) throws(GoogleAPIError) -> HTTPServer.Response {
    guard let route = GmailRoute(request.method, request.path) else { throw .noSuchPage }
    // Only the mail API rejects unknown query parameters.
    if let stranger = request.query.first(where: { !route.accepts($0.name) }), route.mailbox != nil
    {
      throw .invalidArgument(
        "Invalid JSON payload received. Unknown name \"\(stranger.name)\": Cannot bind query "
          + "parameter. Field '\(stranger.name)' could not be found in request message.")
    }
    return try withDomain { (domain) throws(GoogleAPIError) in
      let access = try Self.access(request, domain, clock.now)
      guard !access.scopes.isDisjoint(with: route.scopes) else { throw .insufficientPermissions }
      let caller = try Self.caller(route, access, domain)
      let call = GmailCall(
        request: request, route: route, access: access, caller: caller, clock: clock)
      return try call.perform(on: &domain)
    }
  }

  private static func access(
    _ request: HTTPServer.Request, _ domain: GoogleDomain, _ now: Int
  ) throws(GoogleAPIError) -> GoogleGrants.Access {
    guard let token = token(of: request) else { throw .loginRequired }
    guard let access = domain.grants.access(token, now: now) else { throw .invalidCredentials }
    return access
  }

  private static func token(of request: HTTPServer.Request) -> String? {
    let words = (request.headers["Authorization"] ?? "").split(separator: " ")
    if words.count == 2, words[0].lowercased() == "bearer" { return String(words[1]) }
    return request.query("access_token")
  }

  private static func caller(
    _ route: GmailRoute, _ access: GoogleGrants.Access, _ domain: GoogleDomain
  ) throws(GoogleAPIError) -> DirectoryUser {
    let user = domain.users.first { $0.id == access.userID }
    guard let mailbox = route.mailbox else {
      // Only administrators can use the directory.
      guard let user, user.isAdmin, !user.isSuspended else { throw .notAuthorized }
      return user
    }
    guard let user else { throw .noMailbox }
    guard mailbox == "me" || user.addresses.contains(mailbox.lowercased()) else {
      throw .delegationDenied(user.email)
    }
    guard !user.isSuspended, user.hasMailbox else { throw .mailOff }
    return user
  }

  /// Runs under the emulator's lock.
  private func withDomain<Value: Sendable, Failure: Error>(
    _ body: (inout GoogleDomain) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try state.withLock { (state) throws(Failure) in
      var domain = state ?? GmailSeed.domain()
      state = nil
      defer { state = domain }
      return try body(&domain)
    }
  }

  // MARK: Fault injection

  func errorResponse(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response {
    errorResponse(
      InjectedError(
        status: status, isSignIn: false, retryAfterSeconds: retryAfterSeconds, now: 0))
  }

  func errorResponse(_ error: InjectedError) -> HTTPServer.Response {
    GoogleErrorForm.response(error)
  }

  func revokeToken(of request: HTTPServer.Request) {
    let form = FormFields(decoding: request.body)
    let tokens = isSignIn(request.path) ? [form["refresh_token"]] : [Self.token(of: request)]
    withDomain { domain in for token in tokens { token.map { domain.grants.revoke($0) } } }
  }
}

extension VendorQuirk {
  static let newRefreshToken = VendorQuirk(text: "new refresh token")
}
