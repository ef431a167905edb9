/// One fault of an emulated vendor, parsed from a line of text.
///
///     VENDOR: EFFECT [SCHEDULE] [retry-after SECONDS] [on [VERB] PATH | on METHOD]
///
/// - VENDOR: `coda` for all routes except sign-in, `coda-auth` for the sign-in routes;
///   `gravityzone`, which has no sign-in; `gmail`, and `gmail-auth` for the token endpoint and the
///   consent page.
/// - EFFECT:
///   - a status from 400 to 599, such as `429` or `503`; the vendor does not process the request.
///     For `gmail` a reason may follow, `403 userRateLimitExceeded`; for `gmail-auth` an error,
///     `400 invalid_grant`. See `GoogleErrorForm`.
///   - `slow 200ms` or `slow 2s`: delays the response; combines with other effects
///   - `expired token`: revokes the access token of the request, so that the vendor responds with
///     401 until the client refreshes it; with `coda-auth`, revokes the refresh token; not for
///     `gravityzone`, whose keys do not expire
///   - `drop body`: the vendor processes the request, but its response ends halfway
///   - `reset`: the connection is reset before the vendor processes the request
///   - `garbage`: status 200 with a body that is not JSON; the vendor does not process the request
///   - a quirk of the vendor; combines with other effects. `gravityzone`: `errors as http status`
///     instead of errors with status 200; `no retry-after header` in a 429 response; `no rate
///     limits`. `gmail-auth`: `new refresh token` with every refresh
/// - SCHEDULE: `every N` (the Nth, 2Nth, … matching request), `first N`, or `always`, the default.
/// - `retry-after SECONDS`: the header Retry-After; only with a status. With
///   `userRateLimitExceeded`, the time in the message instead.
/// - `on [VERB] PATH`: only requests for this path; a final `*` matches all paths with this prefix.
///   Paths are those of the classic API, also for clients of the current API.
/// - `on METHOD`: only calls of this JSON-RPC method, such as `getEndpointsList`.
///
/// If several effects are due at once, the first one in the list of faults applies.
package struct SandboxFault: Sendable, Equatable, CustomStringConvertible {
  enum Effect: Sendable, Equatable {
    case status(Int, reason: String?)
    case slow(milliseconds: Int)
    case expiredToken
    case dropBody
    case reset
    case garbage
    case quirk(VendorQuirk)
  }

  enum Schedule: Sendable, Equatable {
    case always
    case every(Int)
    case first(Int)
  }

  enum Target: Sendable, Equatable {
    /// With `isPrefix`, `path` is the part before the asterisk.
    case path(verb: String?, path: String, isPrefix: Bool)
    /// A JSON-RPC method.
    case method(String)
  }

  /// The text that the fault was parsed from.
  package let description: String
  var vendor: String
  var isSignIn: Bool
  var effect: Effect
  var schedule: Schedule
  var retryAfterSeconds: Int?
  var target: Target?

  /// - Throws: the position of the first error in the text, and what is allowed there.
  package init(_ text: String) throws(SandboxError) {
    var parser = FaultParser(text)
    self = try parser.parse()
  }

  init(
    text: String, vendor: String, isSignIn: Bool, effect: Effect, clauses: FaultParser.Clauses
  ) {
    description = text
    self.vendor = vendor
    self.isSignIn = isSignIn
    self.effect = effect
    schedule = clauses.schedule ?? .always
    retryAfterSeconds = clauses.retryAfterSeconds
    target = clauses.target
  }

  static let example = "coda: 429 every 10 retry-after 2"
}

extension Sandbox {
  /// The grammar of fault texts, as lines of a help text.
  package static let grammarHelp = """
    VENDOR: EFFECT [every N | first N | always] [retry-after SECONDS]
            [on [VERB] PATH | on METHOD]
      VENDOR  coda, gravityzone, gmail; coda-auth and gmail-auth for the sign-in routes
      EFFECT  a status from 400 to 599, slow 200ms, drop body, reset, garbage
              coda, gmail: expired token
              gravityzone: errors as http status, no retry-after header, no rate limits
              gmail: a status with a reason, such as 403 userRateLimitExceeded
              gmail-auth: a status with an error, such as 400 invalid_grant; new refresh token
      PATH    such as /api/console/elements/devices/; /api/console/* matches all paths below
      METHOD  gravityzone only, such as getEndpointsList
    Examples:
      coda: 429 every 10 retry-after 2
      coda: 503 first 2 on GET /api/console/elements/devices/
      coda: slow 200ms
      coda-auth: 503 first 1
      gravityzone: 429 first 1 retry-after 2 on addToBlocklist
      gravityzone: errors as http status
      gmail: 403 userRateLimitExceeded first 1 retry-after 2 on /gmail/v1/users/*
    """
}
