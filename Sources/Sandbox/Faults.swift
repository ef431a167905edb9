/// One bad habit of an emulated vendor, written as a line of text.
///
///     VENDOR: EFFECT [SCHEDULE] [retry-after SECONDS] [on [VERB] PATH | on METHOD]
///
/// - VENDOR: `coda` for everything but signing in, `coda-auth` for the sign-in routes alone;
///   `gravityzone`, which has no sign-in; `gmail`, and `gmail-auth` for the token endpoint and the
///   consent page.
/// - EFFECT:
///   - a status from 400 to 599, such as `429` or `503`; the vendor does not act. Of `gmail` a
///     reason may follow, `403 userRateLimitExceeded`, of `gmail-auth` an error, `400
///     invalid_grant`; see `GoogleFaultForm`
///   - `slow 200ms` or `slow 2s`: answers after that time; adds to other effects
///   - `expired token`: the access token of the request is revoked, so that it is answered 401
///     until the client refreshes; with `coda-auth`, the refresh token; not of `gravityzone`,
///     whose keys do not expire
///   - `drop body`: the vendor acts, its answer breaks off halfway
///   - `reset`: the connection is reset before the vendor acts
///   - `garbage`: status 200 with a body that is not JSON; the vendor does not act
///   - a habit of the vendor's own, which adds to other effects. Of `gravityzone`:
///     `errors as http status`, where it else answers errors with status 200;
///     `no retry-after header` at a 429; `no rate limits`. Of `gmail-auth`: `new refresh token`
///     at every refresh
/// - SCHEDULE: `every N` (the Nth, 2Nth, … request that the fault could hit), `first N`, or
///   `always`, which is the default.
/// - `retry-after SECONDS`: the header Retry-After; only with a status. With
///   `userRateLimitExceeded` it is the instant in the message instead.
/// - `on [VERB] PATH`: only requests for that path, a `*` at its end for all that start so. The
///   path is the one of the classic API also for a client of the current one.
/// - `on METHOD`: only calls of that JSON-RPC method, such as `getEndpointsList`.
///
/// Of several effects that are due at once the first in the list happens.
package struct SandboxFault: Sendable, Equatable, CustomStringConvertible {
  enum Effect: Sendable, Equatable {
    case status(Int, reason: String?)
    case slow(milliseconds: Int)
    case expiredToken
    case dropBody
    case reset
    case garbage
    case habit(VendorHabit)
  }

  enum Schedule: Sendable, Equatable {
    case always
    case every(Int)
    case first(Int)
  }

  enum Target: Sendable, Equatable {
    /// With `isPrefix`, `path` is what comes before the asterisk.
    case path(verb: String?, path: String, isPrefix: Bool)
    /// Of JSON-RPC.
    case method(String)
  }

  /// The text it was read from.
  package let description: String
  var vendor: String
  var isSignIn: Bool
  var effect: Effect
  var schedule: Schedule
  var retryAfterSeconds: Int?
  var target: Target?

  /// - Throws: where the text leaves the grammar and what is allowed there.
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
  /// The grammar of fault texts, as lines for a help text.
  package static let grammarHelp = """
    VENDOR: EFFECT [every N | first N | always] [retry-after SECONDS]
            [on [VERB] PATH | on METHOD]
      VENDOR  coda, gravityzone or gmail; coda-auth, gmail-auth for their sign-in routes
      EFFECT  a status from 400 to 599, slow 200ms, drop body, reset, garbage;
              of coda and gmail: expired token;
              of gravityzone: errors as http status, no retry-after header, no rate limits;
              of gmail a status with a reason, such as 403 userRateLimitExceeded;
              of gmail-auth a status with an error, such as 400 invalid_grant; new refresh token
      PATH    such as /api/console/elements/devices/, or /api/console/* for all below it
      METHOD  of gravityzone, such as getEndpointsList
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
