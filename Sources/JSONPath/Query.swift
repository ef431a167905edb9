/// A query, at the top level or inside a filter (RFC 9535 sections 2.2 to 2.5).
struct Query: Sendable {
  enum Start: Sendable {
    /// `$`
    case root
    /// `@`
    case current
  }

  let start: Start
  let segments: [Segment]

  /// The same query as a singular query, if the grammar allows it (section 2.3.5.1).
  var singular: SingularQuery? {
    var steps: [SingularQuery.Step] = []
    for segment in segments {
      guard let step = segment.singularStep else { return nil }
      steps.append(step)
    }
    return SingularQuery(start: start, steps: steps)
  }
}

/// A query that selects at most one node in any document.
struct SingularQuery: Sendable {
  enum Step: Sendable {
    case name(MemberName)
    case index(Int)
  }

  let start: Query.Start
  let steps: [Step]
}

struct Segment: Sendable {
  /// `..`: applies to the node and all its descendants.
  let isDescendant: Bool
  let selectors: [Selector]
  /// Whether there is blank space inside the brackets. Singular queries do not allow it.
  let hasBlanksInside: Bool

  var singularStep: SingularQuery.Step? {
    guard !isDescendant, !hasBlanksInside, selectors.count == 1 else { return nil }
    return switch selectors[0] {
    case .name(let name): .name(name)
    case .index(let index): .index(index)
    case .wildcard, .slice, .filter: nil
    }
  }
}

enum Selector: Sendable {
  case name(MemberName)
  case wildcard
  /// A negative index counts from the end.
  case index(Int)
  case slice(Slice)
  case filter(FilterExpression)
}

/// `start:end:step` (section 2.3.4).
struct Slice: Sendable {
  let start: Int?
  let end: Int?
  let step: Int

  /// The selected positions in an array of `count` elements, in order.
  func positions(count: Int) -> StrideTo<Int> {
    func fromStart(_ position: Int) -> Int { position >= 0 ? position : count + position }
    switch step {
    case 1...:
      let lower = min(max(fromStart(start ?? 0), 0), count)
      let upper = min(max(fromStart(end ?? count), 0), count)
      return stride(from: lower, to: upper, by: step)
    case ..<0:
      let upper = min(max(start.map(fromStart) ?? count - 1, -1), count - 1)
      let lower = min(max(end.map(fromStart) ?? -1, -1), count - 1)
      return stride(from: upper, to: lower, by: step)
    default:
      return stride(from: 0, to: 0, by: 1)
    }
  }
}
