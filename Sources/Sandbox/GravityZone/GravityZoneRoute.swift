/// A parsed path of the API.
struct GravityZoneRoute {
  enum Target: Equatable {
    case service(GravityZoneKey.Area, kind: Kind?)
    /// The archive of a report.
    case archive
  }

  /// The second component of a service's path: the object type, if there are several.
  enum Kind: String {
    case computers, virtualmachines, exchange
  }

  /// 0 for v1.0.
  let minorVersion: Int
  let target: Target

  private static let versions = ["v1.0", "v1.1", "v1.2"]

  /// Whether the path belongs to this vendor, even if nothing is there: `/api/v`, digits and so on.
  static func handles(_ path: String) -> Bool {
    let words = path.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count > 2, words[0].isEmpty, words[1] == "api", words[2].first == "v" else {
      return false
    }
    return words[2].dropFirst().first?.isNumber ?? false
  }

  /// Nil if nothing is there. The cloud has no `quarantine` without an object type.
  init?(_ path: String) {
    let words = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard Self.handles(path), words.count > 4,
      let version = Self.versions.firstIndex(of: words[2])
    else { return nil }
    minorVersion = version
    if words[3...] == ["http", "downloadReportZip"] {
      target = .archive
      return
    }
    guard words[3] == "jsonrpc", let area = GravityZoneKey.Area(rawValue: words[4]) else {
      return nil
    }
    switch (area, words.count > 5 ? Kind(rawValue: words[5]) : nil, words.count) {
    case (.general, nil, 5), (.network, nil, 5), (.incidents, nil, 5), (.reports, nil, 5):
      target = .service(area, kind: nil)
    case (.network, let kind?, 6) where kind != .exchange: target = .service(area, kind: kind)
    case (.quarantine, let kind?, 6) where kind != .virtualmachines:
      target = .service(area, kind: kind)
    case (.reports, let kind?, 6): target = .service(area, kind: kind)
    default: return nil
    }
  }

  var area: GravityZoneKey.Area {
    if case .service(let area, _) = target { area } else { .reports }
  }

  var kind: Kind? {
    if case .service(_, let kind) = target { kind } else { nil }
  }

  var verb: String { target == .archive ? "GET" : "POST" }
}
