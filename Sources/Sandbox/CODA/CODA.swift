import Basics
import HTTPServer
import JSON
import Synchronization

/// An emulated CODA Footprint instance with two tenants.
///
/// The classic API (up to 7.17) is at `/api/…`, the current API (7.18.19, 2024-08 and later) at
/// `/current/api/…`. Both have the same data. Tests can rely on:
///
/// | | tenant 1, Acme Manufacturing | tenant 2, Northwind Clinics |
/// |---|---|---|
/// | devices | 1001 to 1045; a `Server` is every third | 2001 to 2004, the last a `Server` |
/// | without attack avenues | 1011, 1022, 1033 (a `Server`), 1044 | none |
/// | technical contexts | 301 to 343 | 401, 402 |
/// | scanners | 9 cloud, 12 internal, 14 inactive, 15 busy | 21 cloud |
/// | scan surface | 501 to 524 | 601, 602 |
/// | targets | 7001 to 7039 | 8001, 8002 |
///
/// `operator@acme.example` can use both tenants and starts in tenant 1.
/// `reporting@northwind.example` can use only tenant 2. Rows whose id is divisible by 7 have the
/// quirks of the real wire format: `""` and `"None"` for absent values, date-times with a space.
final class CODA: EmulatedVendor {
  enum Profile: Sendable {
    case classic, current
  }

  static let vocabulary = FaultVocabulary(name: "coda", hasSignIn: true)
  static let integrationID = "coda_footprint"
  static let currentPrefix = "/current"

  let vocabulary: FaultVocabulary = CODA.vocabulary
  let integration = CODA.integrationID
  let connectionName = "coda_sandbox"

  private let lifetimes: TokenLifetimes
  private let state = Mutex(State())

  struct State {
    var tokens = CODATokens()
    /// Lazy: a host that starts an emulator creates its data only on first use.
    lazy var tenants = CODASeed.tenants()
    var rescans = 0
  }

  init(lifetimes: TokenLifetimes) { self.lifetimes = lifetimes }

  func reset() { state.withLock { $0 = State() } }

  // MARK: Connections

  func connection(origin: String) -> JSONFragment { Self.connection(origin: origin, .classic) }

  static func connection(origin: String, _ profile: Profile) -> JSONFragment {
    let user = CODAUser.all[0]
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", integrationID)
        writer.name("settings")
        writer.object { writer in
          writer.member("server_url", profile == .classic ? origin : origin + currentPrefix)
          writer.member("user_name", user.name)
          writer.member("password", user.password)
          if profile == .current { writer.member("api_profile", "current") }
        }
      }
    }
  }

  // MARK: Requests

  func faultPath(of path: String) -> String? {
    let faultPath =
      path.hasPrefix(Self.currentPrefix + "/")
      ? String(path.dropFirst(Self.currentPrefix.count)) : path
    return faultPath.hasPrefix("/api/") ? faultPath : nil
  }

  func isSignIn(_ faultPath: String) -> Bool { CODARoute(faultPath)?.isSignIn ?? false }

  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, quirks: Set<VendorQuirk>
  ) -> HTTPServer.Response {
    let now = clock.now
    guard let route = faultPath(of: request.path).flatMap(CODARoute.init) else {
      return CODAError.noSuchPage.response
    }
    do {
      if route.isSignIn {
        try checkVerb(request, route)
        return try signIn(route, request, now: now)
      }
      // As in the vendor's framework, authentication is checked before the verb.
      let user = try authenticate(request, now: now)
      let tenantID = try tenant(for: user, request)
      try checkVerb(request, route)
      let profile: Profile = request.path.hasPrefix(Self.currentPrefix) ? .current : .classic
      let call = CODACall(
        request: request, profile: profile, user: user, tenantID: tenantID, now: now)
      if route.verb == "PATCH" {
        return try state.withLock { (state) throws(CODAError) in try call.change(route, &state) }
      }
      // Copies only references to the arrays. The response is written outside the lock.
      let tenants = state.withLock { $0.tenants }
      return try call.read(route, tenants)
    } catch {
      return error.response
    }
  }

  private func checkVerb(
    _ request: HTTPServer.Request, _ route: CODARoute
  ) throws(CODAError) {
    // Routes with GET also accept HEAD; the server omits the body.
    let verb = request.method == "HEAD" ? "GET" : request.method
    guard verb == route.verb else { throw .verb(request.method, allowed: route.verb) }
  }

  private func signIn(
    _ route: CODARoute, _ request: HTTPServer.Request, now: Int
  ) throws(CODAError) -> HTTPServer.Response {
    let body = try CODABody(request, mayBeEmpty: false)
    let lifetimes = self.lifetimes
    return try state.withLock { (state) throws(CODAError) in
      let session = CODASession(body: body, lifetimes: lifetimes, now: now)
      return try session.respond(route, &state.tokens)
    }
  }

  private func authenticate(
    _ request: HTTPServer.Request, now: Int
  ) throws(CODAError) -> CODAUser {
    let token = try CODASession.bearer(request)
    return try state.withLock { (state) throws(CODAError) in
      try state.tokens.user(ofAccess: token, now: now)
    }
  }

  /// The tenant in the header, or the home tenant of the user.
  private func tenant(
    for user: CODAUser, _ request: HTTPServer.Request
  ) throws(CODAError) -> Int {
    guard let header = request.headers["FootprintTenantId"] else { return user.homeTenantID }
    guard let id = Int(header) else {
      throw .fields([("FootprintTenantId", "A valid integer is required.")])
    }
    guard user.tenantIDs.contains(id) else { throw .forbidden }
    return id
  }

  // MARK: Fault injection

  func errorResponse(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response {
    var response = CODAError.fault(status, retryAfterSeconds: retryAfterSeconds).response
    if let retryAfterSeconds { response.headers.add("Retry-After", "\(retryAfterSeconds)") }
    return response
  }

  func revokeToken(of request: HTTPServer.Request) {
    let access = try? CODASession.bearer(request)
    let refresh = (try? CODABody(request, mayBeEmpty: false))?.json["refresh"]?.string
    state.withLock { state in
      if let access { state.tokens.revoke(access) }
      if let refresh { state.tokens.revoke(refresh) }
    }
  }
}
