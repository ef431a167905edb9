import Basics
import IntegrationKit

/// What differs between revisions of the vendor's API, and what of the wire is inferred. The one
/// place to correct when a tenant's own `/api/openapi/` says otherwise.
struct CODAProfile: Sendable {
  let profile: CODASettings.Profile

  /// The query parameter of the IP address filter. Every published revision has `filter`; the
  /// document calls it `ip`.
  var ipFilterName: StaticString { "filter" }

  var contextRiskName: StaticString { profile == .classic ? "risk_level" : "riskLevel" }

  /// A risk level as the query spells it. The current revision leaves out `all` and calls
  /// `nonvisible` `unknown`.
  func risk(_ level: RiskLevel?) -> String? {
    guard let level, profile == .current else { return level?.rawValue }
    switch level {
    case .all: return nil
    case .nonvisible: return "unknown"
    default: return level.rawValue
    }
  }

  /// A scope as the body spells it. Inferred: the vendor's text says "in/out" and "not OUT".
  func scope(_ scope: Scope) -> String { scope.rawValue.uppercased() }
}

/// The risk levels of the document.
enum RiskLevel: String, ParameterChoice {
  case all, critical, nonvisible, secure, vulnerable
}

/// Whether a target is scanned.
enum Scope: String, ParameterChoice {
  case `in`, out
}
