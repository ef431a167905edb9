import Basics
import IntegrationKit

/// The differences between revisions of the vendor's API, and the inferred parts of its wire
/// format. If a tenant's `/api/openapi/` differs, correct this type.
struct CODAProfile: Sendable {
  let profile: CODASettings.Profile

  /// The query parameter of the IP address filter. Every published revision uses `filter`; the
  /// document uses `ip`.
  var ipFilterName: StaticString { "filter" }

  var contextRiskName: StaticString { profile == .classic ? "risk_level" : "riskLevel" }

  /// The risk level in the query. The current revision has no `all`, and uses `unknown` for
  /// `nonvisible`.
  func risk(_ level: RiskLevel?) -> String? {
    guard let level, profile == .current else { return level?.rawValue }
    switch level {
    case .all: return nil
    case .nonvisible: return "unknown"
    default: return level.rawValue
    }
  }

  /// The scope in the body. Inferred: the vendor's text says "in/out" and "not OUT". The product
  /// document's "All" is sent as written there.
  func scope(_ scope: Scope) -> String {
    switch scope {
    case .in: "IN"
    case .out: "OUT"
    case .all: "All"
    }
  }
}

/// The documented risk levels.
enum RiskLevel: String, ParameterChoice {
  case all, critical, nonvisible, secure, vulnerable
}

/// Whether a target is scanned.
enum Scope: String, ParameterChoice {
  case `in`, out
  case all

  static let allCases: [Scope] = [.in, .out]
  /// The product document's example. The vendor's specification has in and out only.
  static let unlisted: [Scope] = [.all]
}
