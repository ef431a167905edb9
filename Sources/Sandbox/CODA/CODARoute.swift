/// The routes of the vendor's API, without the prefix of a profile.
enum CODARoute: Equatable {
  case token, tokenRefresh, session
  case tenants
  case devices
  case attackAvenues(deviceID: Int)
  case networkConnections(deviceID: Int)
  case users(deviceID: Int)
  case vulnerabilities(deviceID: Int)
  case contexts
  case context(id: Int)
  case scanners
  case surface
  case ports
  case rescanAll
  /// Any text: the vendor responds with 400 if it is not a number.
  case rescanOne(scannerID: String)
  case scope(targetID: Int)

  private static let fixed: [(path: String, route: CODARoute)] = [
    ("/api/auth/token/", .token),
    ("/api/auth/token/refresh/", .tokenRefresh),
    ("/api/common/auth/session/", .session),
    ("/api/common/auth/session/accounts/", .tenants),
    ("/api/console/elements/devices/", .devices),
    ("/api/console/elements/contexts/technical/", .contexts),
    ("/api/console/scanSurface/scanners/", .scanners),
    ("/api/console/scanSurface/", .surface),
    ("/api/console/scanSurface/currentTargets/ports/", .ports),
    ("/api/console/scanSurface/rescan/", .rescanAll),
  ]

  /// The path before and after an id.
  private static let withID:
    [(before: String, after: String, route: @Sendable (Int) -> CODARoute)] = [
      ("/api/console/elements/device/", "/attackavenues/", { .attackAvenues(deviceID: $0) }),
      (
        "/api/console/elements/device/", "/networkConnections/",
        { .networkConnections(deviceID: $0) }
      ),
      ("/api/console/elements/device/", "/users/", { .users(deviceID: $0) }),
      ("/api/console/elements/device/", "/vulnerabilities/", { .vulnerabilities(deviceID: $0) }),
      ("/api/console/elements/contexts/technical/", "/", { .context(id: $0) }),
      ("/api/console/scanSurface/currentTargets/", "/", { .scope(targetID: $0) }),
    ]

  private static let rescanPrefix = "/api/console/scanSurface/rescan/"

  /// Nil for an unknown path. A path without its final slash is unknown.
  init?(_ path: String) {
    if let found = Self.fixed.first(where: { $0.path == path }) {
      self = found.route
      return
    }
    for candidate in Self.withID {
      guard let word = Self.segment(of: path, candidate.before, candidate.after) else { continue }
      guard word.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { continue }
      // A number that does not fit is treated as an unknown id.
      self = candidate.route(Int(word) ?? .max)
      return
    }
    guard let word = Self.segment(of: path, Self.rescanPrefix, "/") else { return nil }
    self = .rescanOne(scannerID: word)
  }

  private static func segment(of path: String, _ before: String, _ after: String) -> String? {
    guard path.hasPrefix(before), path.hasSuffix(after),
      path.utf8.count > before.utf8.count + after.utf8.count
    else { return nil }
    let word = path.dropFirst(before.count).dropLast(after.count)
    return word.contains("/") ? nil : String(word)
  }

  var isSignIn: Bool { self == .token || self == .tokenRefresh || self == .session }

  /// The single verb of each route.
  var verb: String {
    switch self {
    case .token, .tokenRefresh, .session: "POST"
    case .rescanAll, .rescanOne, .scope: "PATCH"
    default: "GET"
    }
  }
}
