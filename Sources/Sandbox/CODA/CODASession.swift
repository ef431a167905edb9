import Basics
import HTTPServer
import JSON

/// A user with credentials.
struct CODAUser: Equatable {
  let id: Int
  let name: String
  let password: String
  let role: String
  let tenantIDs: [Int]
  var homeTenantID: Int { tenantIDs[0] }

  static let all = [
    CODAUser(
      id: 41, name: "operator@acme.example", password: "Sandbox-Footprint-1", role: "technical",
      tenantIDs: [1, 2]),
    CODAUser(
      id: 42, name: "reporting@northwind.example", password: "Sandbox-Footprint-2",
      role: "business", tenantIDs: [2]),
  ]
}

/// A request to a sign-in route.
struct CODASession {
  let body: CODABody
  let lifetimes: TokenLifetimes
  let now: Int

  func respond(
    _ route: CODARoute, _ tokens: inout CODATokens
  ) throws(CODAError) -> HTTPServer.Response {
    switch route {
    case .token:
      guard let user = try user() else { throw .badCredentials }
      return .json(200, pair(for: user, &tokens, isSession: false))
    case .session:
      guard let user = try user() else {
        throw .fields([
          ("non_field_errors", "Unable to log in with provided credentials.")
        ])
      }
      var response = HTTPServer.Response.json(200, pair(for: user, &tokens, isSession: true))
      response.headers.add("Set-Cookie", "XSRF-TOKEN=sandbox; Path=/; SameSite=Lax")
      return response
    case .tokenRefresh:
      let refresh = try body.texts("refresh")[0]
      let user = try tokens.user(ofRefresh: refresh, now: now)
      let access = tokens.issue(.access, to: user, now: now, lifeSeconds: lifetimes.accessSeconds)
      return .json(200, JSONFragment { $0.object { $0.member("access", access) } })
    default: preconditionFailure("not a sign-in route")
    }
  }

  private func user() throws(CODAError) -> CODAUser? {
    let texts = try body.texts("username", "password")
    return CODAUser.all.first { $0.name == texts[0] && $0.password == texts[1] }
  }

  private func pair(
    for user: CODAUser, _ tokens: inout CODATokens, isSession: Bool
  ) -> JSONFragment {
    let refresh = tokens.issue(.refresh, to: user, now: now, lifeSeconds: lifetimes.refreshSeconds)
    let access = tokens.issue(.access, to: user, now: now, lifeSeconds: lifetimes.accessSeconds)
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("refresh", refresh)
        writer.member("access", access)
        guard isSession else { return }
        writer.member("accountId", user.homeTenantID)
        writer.member("role", user.role)
        writer.member("username", user.name)
      }
    }
  }

  /// The token in the Authorization header.
  static func bearer(_ request: HTTPServer.Request) throws(CODAError) -> String {
    let words = (request.headers["Authorization"] ?? "").split(separator: " ")
    guard words.first == "Bearer" else { throw .noCredentials }
    guard words.count == 2 else { throw .badAuthorizationHeader }
    return String(words[1])
  }
}
