import Basics
import IntegrationKit
import JSON

/// Checks of a connection that need its integration. Without them a misspelling would silently have no
/// effect.
enum ConnectionRules {
  /// A limit for an unknown command would silently have no effect.
  static func check(
    _ limits: JSON?, of integration: RegisteredIntegration
  ) throws(ParameterProblems) {
    guard let limits else { return }
    let buckets = Set(integration.commands.compactMap(\.metadata.rateLimit?.bucket))
    let known =
      ["default", "sign_in"] + buckets.subtracting(["default"]).sorted()
      + integration.commands.map(\.id)
    for member in limits.members {
      let name = member.name.string ?? ""
      if known.contains(name) { continue }
      throw ParameterProblems(
        ParameterProblem(
          "matches no command and no rate-limit bucket of \(integration.id)", at: name,
          didYouMean: Suggestion.closest(to: name, among: known)),
        of: ConnectionDefinition.shape
      ).inside("rate_limits")
    }
  }

  /// A misspelt pattern in a policy would silently have no effect.
  static func check(
    _ policy: ConnectionPolicy?, of integration: RegisteredIntegration
  ) throws(ParameterProblems) {
    guard let policy else { return }
    let ids = integration.commands.map(\.id)
    for (list, patterns) in [("allow", policy.allow ?? []), ("deny", policy.deny)] {
      for (position, pattern) in patterns.enumerated()
      where !ids.contains(where: { Glob.matches(pattern, $0) }) {
        throw ParameterProblems(
          ParameterProblem(
            "matches no command of \(integration.id)", at: String(position),
            didYouMean: Suggestion.closest(to: pattern, among: ids)),
          of: ConnectionDefinition.shape
        ).inside(list).inside("policy")
      }
    }
  }
}
