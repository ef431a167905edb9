/// A revision of the Model Context Protocol, named by its date, and its features.
///
/// The first four are negotiated by `initialize`. The last one is in the `_meta` of each request.
enum MCPRevision: String, CaseIterable, Comparable, Sendable {
  case november2024 = "2024-11-05"
  case march2025 = "2025-03-26"
  case june2025 = "2025-06-18"
  case november2025 = "2025-11-25"
  case july2026 = "2026-07-28"

  /// The response of `initialize` to a client that requests an unknown revision.
  static let latestWithHandshake = november2025

  static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }

  /// Whether every request contains the revision.
  var isStateless: Bool { self >= .july2026 }
  var hasAnnotations: Bool { self >= .march2025 }
  var hasProgressMessages: Bool { self >= .march2025 }
  /// `structuredContent`, `outputSchema`, titles, links to resources.
  var hasStructuredContent: Bool { self >= .june2025 }
  var hasElicitation: Bool { self >= .june2025 }
  /// Whether an error may omit an unknown id. No revision allows a null id.
  var hasErrorsWithoutID: Bool { self >= .november2025 }
}
