import Basics
import HTTPServer
import JSON
import Synchronization

/// An emulated GravityZone Control Center with two companies.
///
/// The cloud API is at `/api/v1.0/jsonrpc/SERVICE`, with v1.1 and v1.2 next to it. A method that a
/// version did not change behaves as in the previous version. The on-premises paths
/// `network/computers`, `network/virtualmachines` and `reports/SERVICE` also work. Ids are
/// generated, so tests look them up by name. Tests can rely on:
///
/// | | Harbor Logistics | Lantern Clinics |
/// |---|---|---|
/// | endpoints | `FIN-PC1` to 8, `PAY-PC1` to 5, `ENG-WS01` to 10, `DOCK-HMI1` to 8, … | `CLINIC-PC1` to 4 |
/// | not managed | `GUEST-01` to 05, `DOCK-HMI7`, `DOCK-HMI8` | `CLINIC-PC4` |
/// | without the EDR sensor | all of `DOCK-HMI` | none |
/// | in the group Deleted | `OLD-PC1`, `OLD-PC2` | none |
/// | groups | `Headquarters` with `Finance` (with `Payroll`) and `Engineering`, … | `Wards` |
///
/// Durations on the sandbox's clock: `isolationSeconds`, `scanPendingSeconds`, `scanSeconds` and
/// `quarantineSeconds` of `GravityZoneState`.
final class GravityZone: EmulatedVendor {
  static let vocabulary = FaultVocabulary(
    name: "gravityzone", hasSignIn: false, methods: GravityZoneMethod.allCases.map(\.rawValue),
    quirks: [.errorsAsHTTPStatus, .noRetryAfter, .noRateLimits])

  let vocabulary: FaultVocabulary = GravityZone.vocabulary
  let integration = "bitdefender_gravityzone"
  let connectionName = "gravityzone_sandbox"

  private let state = Mutex(State())

  private struct State {
    /// Lazy: a host that starts an emulator creates its data only on first use.
    var data: GravityZoneState?
    var limits = GravityZoneLimits()
  }

  func reset() { state.withLock { $0 = State() } }

  func connection(origin: String) -> JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("integration", integration)
        writer.name("settings")
        writer.object { writer in
          writer.member("server_url", origin)
          writer.member("api_key", GravityZoneKey.partner.text)
          writer.member("api_version", "v1.0")
        }
      }
    }
  }

  // MARK: Requests

  func faultPath(of path: String) -> String? { GravityZoneRoute.handles(path) ? path : nil }

  func isSignIn(_ faultPath: String) -> Bool { false }

  func method(of request: HTTPServer.Request) -> String? {
    (try? GravityZoneEnvelope.parse(request.body))?["method"]?.string
  }

  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, quirks: Set<VendorQuirk>
  ) -> HTTPServer.Response {
    guard let key = GravityZoneKey(request) else {
      return GravityZoneErrorResponse.response(401)
    }
    guard let route = GravityZoneRoute(request.path) else {
      return GravityZoneErrorResponse.response(404)
    }
    guard request.method == route.verb else {
      return GravityZoneErrorResponse.response(405, allowed: route.verb)
    }
    guard key.areas.contains(route.area) else { return GravityZoneErrorResponse.response(403) }
    guard case .service = route.target else {
      let now = clock.now
      return withData(now) { $0.archive(request, key, now: now) }
    }
    let envelope = GravityZoneEnvelope(request.body)
    if !quirks.contains(.noRateLimits),
      let wait = waitForAdmission(key, envelope.bucket, clock)
    {
      return GravityZoneErrorResponse.response(
        429, retryAfterSeconds: quirks.contains(.noRetryAfter) ? nil : wait)
    }
    return envelope.respond(errorsAsStatus: quirks.contains(.errorsAsHTTPStatus)) {
      json throws(GravityZoneError) in
      let call = try GravityZoneCall(
        json, route: route, key: key, now: clock.now,
        origin: "http://" + (request.headers["Host"] ?? "127.0.0.1"))
      return try withData(call.now) { (data) throws(GravityZoneError) in
        try call.perform(on: &data)
      }
    }
  }

  /// Blocks while the call is queued.
  ///
  /// - Returns: nil if the call is admitted; otherwise the seconds after which it can be retried.
  private func waitForAdmission(
    _ key: GravityZoneKey, _ bucket: GravityZoneLimits.Bucket, _ clock: SandboxClock
  ) -> Int? {
    let now = clock.nowMilliseconds
    switch state.withLock({ $0.limits.admit(key.text, bucket, now: now) }) {
    case .at(let moment):
      clock.wait(untilMilliseconds: moment)
      return nil
    case .rejected(let retryAfterSeconds): return retryAfterSeconds
    }
  }

  /// Runs under the emulator's lock, after all due changes were applied.
  private func withData<Value: Sendable, Failure: Error>(
    _ now: Int, _ body: (inout GravityZoneState) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try state.withLock { (state) throws(Failure) in
      var data = state.data ?? GravityZoneSeed.state(now: now)
      state.data = nil
      defer { state.data = data }
      data.advance(to: now)
      return try body(&data)
    }
  }

  // MARK: Fault injection

  func errorResponse(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response {
    GravityZoneErrorResponse.response(status, retryAfterSeconds: retryAfterSeconds)
  }

  func revokeToken(of request: HTTPServer.Request) {
    preconditionFailure("the fault grammar has no tokens for this vendor")
  }
}

extension VendorQuirk {
  /// Errors as HTTP status instead of status 200 with the error in the body.
  static let errorsAsHTTPStatus = VendorQuirk(text: "errors as http status")
  static let noRetryAfter = VendorQuirk(text: "no retry-after header")
  static let noRateLimits = VendorQuirk(text: "no rate limits")
}
