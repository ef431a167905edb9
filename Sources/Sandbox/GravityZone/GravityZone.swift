import Basics
import HTTPServer
import JSON
import Synchronization

/// An emulated GravityZone Control Center with two companies.
///
/// The API of the cloud is at `/api/v1.0/jsonrpc/SERVICE`, v1.1 and v1.2 beside it; a method that
/// a version did not change answers there as in the version before. The on-premises paths
/// `network/computers`, `network/virtualmachines` and `reports/SERVICE` answer too. Ids are made
/// up, so tests ask for them by name. What tests may rely on:
///
/// | | Harbor Logistics | Lantern Clinics |
/// |---|---|---|
/// | endpoints | `FIN-PC1` to 8, `PAY-PC1` to 5, `ENG-WS01` to 10, `DOCK-HMI1` to 8, … | `CLINIC-PC1` to 4 |
/// | not managed | `GUEST-01` to 05, `DOCK-HMI7`, `DOCK-HMI8` | `CLINIC-PC4` |
/// | without the EDR sensor | all of `DOCK-HMI` | none |
/// | in the group Deleted | `OLD-PC1`, `OLD-PC2` | none |
/// | groups | `Headquarters` with `Finance` (with `Payroll`) and `Engineering`, … | `Wards` |
///
/// Times on the sandbox's clock: `isolationSeconds`, `scanPendingSeconds`, `scanSeconds` and
/// `quarantineSeconds` of `GravityZoneState`.
final class GravityZone: EmulatedVendor {
  static let vocabulary = FaultVocabulary(
    name: "gravityzone", hasSignIn: false, methods: GravityZoneMethod.allCases.map(\.rawValue),
    habits: [.errorsAsHTTPStatus, .noRetryAfter, .noRateLimits])

  let vocabulary: FaultVocabulary = GravityZone.vocabulary
  let integration = "bitdefender_gravityzone"
  let connectionName = "gravityzone_sandbox"

  private let state = Mutex(State())

  private struct State {
    /// Lazy: a host that starts an emulation pays for its data only when it is asked for.
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

  func place(of path: String) -> String? { GravityZoneRoute.isOwn(path) ? path : nil }

  func isSignIn(_ place: String) -> Bool { false }

  func method(of request: HTTPServer.Request) -> String? {
    (try? GravityZoneEnvelope.parse(request.body))?["method"]?.string
  }

  func respond(
    to request: HTTPServer.Request, clock: SandboxClock, habits: Set<VendorHabit>
  ) -> HTTPServer.Response {
    guard let key = GravityZoneKey(request) else {
      return GravityZoneRefusal.response(401)
    }
    guard let route = GravityZoneRoute(request.path) else {
      return GravityZoneRefusal.response(404)
    }
    guard request.method == route.verb else {
      return GravityZoneRefusal.response(405, allowed: route.verb)
    }
    guard key.areas.contains(route.area) else { return GravityZoneRefusal.response(403) }
    guard case .service = route.target else {
      let now = clock.now
      return withData(now) { $0.archive(request, key, now: now) }
    }
    let envelope = GravityZoneEnvelope(request.body)
    if !habits.contains(.noRateLimits),
      let wait = waitForTurn(key, envelope.bucket, clock)
    {
      return GravityZoneRefusal.response(
        429, retryAfterSeconds: habits.contains(.noRetryAfter) ? nil : wait)
    }
    return envelope.answer(errorsAsStatus: habits.contains(.errorsAsHTTPStatus)) {
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
  /// - Returns: nil, or the seconds after which a refused call may be tried again.
  private func waitForTurn(
    _ key: GravityZoneKey, _ bucket: GravityZoneLimits.Bucket, _ clock: SandboxClock
  ) -> Int? {
    let now = clock.nowMilliseconds
    switch state.withLock({ $0.limits.admit(key.text, bucket, now: now) }) {
    case .at(let moment):
      clock.wait(untilMilliseconds: moment)
      return nil
    case .refused(let retryAfterSeconds): return retryAfterSeconds
    }
  }

  /// Runs under the emulation's lock, on data in which everything that was due has happened.
  private func withData<Answer: Sendable, Failure: Error>(
    _ now: Int, _ body: (inout GravityZoneState) throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    try state.withLock { (state) throws(Failure) in
      var data = state.data ?? GravityZoneSeed.state(now: now)
      state.data = nil
      defer { state.data = data }
      data.catchUp(to: now)
      return try body(&data)
    }
  }

  // MARK: Faults

  func refusal(_ status: Int, retryAfterSeconds: Int?) -> HTTPServer.Response {
    GravityZoneRefusal.response(status, retryAfterSeconds: retryAfterSeconds)
  }

  func revokeToken(of request: HTTPServer.Request) {
    preconditionFailure("the grammar of faults knows of no token")
  }
}

extension VendorHabit {
  /// Instead of status 200 with the error in the body.
  static let errorsAsHTTPStatus = VendorHabit(text: "errors as http status")
  static let noRetryAfter = VendorHabit(text: "no retry-after header")
  static let noRateLimits = VendorHabit(text: "no rate limits")
}
