/// A revision of the Model Context Protocol, named by its date, and what it can carry.
///
/// The first four are agreed on once, by `initialize`; the last one names itself in each request.
enum MCPRevision: String, CaseIterable, Comparable, Sendable {
  case november2024 = "2024-11-05"
  case march2025 = "2025-03-26"
  case june2025 = "2025-06-18"
  case november2025 = "2025-11-25"
  case july2026 = "2026-07-28"

  /// What `initialize` answers to a client that asks for a revision it does not know.
  static let latestWithHandshake = november2025

  static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }

  /// Whether every request says for itself what its sender speaks.
  var isStateless: Bool { self >= .july2026 }
  var hasAnnotations: Bool { self >= .march2025 }
  var hasProgressMessages: Bool { self >= .march2025 }
  /// `structuredContent`, `outputSchema`, titles, links to resources.
  var hasStructuredContent: Bool { self >= .june2025 }
  var hasElicitation: Bool { self >= .june2025 }
  /// Whether an error may leave its id out where none is known; null is no id in any revision.
  var hasErrorsWithoutID: Bool { self >= .november2025 }
}
