import Basics
import JSON

/// Evaluates queries on one document.
///
/// Depth first: each node passes all segments before the next node. This gives the order of RFC
/// 9535 section 2.1.2 without lists of intermediate nodes, and an existence test stops at the first
/// match.
struct Evaluator {
  let root: JSON
  let tracksLocations: Bool
  /// Nil for no limit. When the budget is spent, every node list counts as full, so evaluation
  /// stops.
  let budget: WorkBudget?
  let patterns = LastPattern()

  func nodes(of query: Query, current: JSON, atMost limit: Int) -> [JSONPathNode] {
    var found = Nodelist(limit: limit, budget: budget)
    let start = query.start == .root ? root : current
    walk(query.segments[...], from: JSONPathNode(value: start, location: nil), into: &found)
    return found.nodes
  }

  /// The value of a singular query's node, if there is one.
  func value(of query: SingularQuery, current: JSON) -> JSON? {
    var value = query.start == .root ? root : current
    for step in query.steps {
      if let budget { budget.spend(1 + (value.kind.isContainer ? value.count : 0)) }
      let next: JSON?
      switch step {
      case .name(let name): next = value.kind == .object ? name.value(in: value) : nil
      case .index(let index) where index >= 0: next = value.kind == .array ? value[index] : nil
      case .index(let index):
        let elements = Array(value.elements)
        next = elements.count + index >= 0 ? elements[elements.count + index] : nil
      }
      guard let next else { return nil }
      value = next
    }
    return value
  }

  private func walk(
    _ segments: ArraySlice<Segment>, from node: JSONPathNode, into found: inout Nodelist
  ) {
    guard let segment = segments.first else {
      budget?.spend(1)
      return found.append(node)
    }
    if let budget {
      // Finding one child also visits its siblings.
      budget.spend(1 + (node.value.kind.isContainer ? node.value.count : 0))
      guard !budget.isSpent else { return }
    }
    let rest = segments.dropFirst()
    var children = Children(of: node, tracksLocations: tracksLocations)
    select(segment.selectors, from: &children, then: rest, into: &found)
    guard segment.isDescendant else { return }

    // Parents before children, siblings in order (section 2.5.2.2). Scalars have no children and
    // are not visited.
    var unvisited: [JSONPathNode] = []
    func enqueue(_ children: [JSONPathNode]) {
      unvisited.append(contentsOf: children.reversed().lazy.filter { $0.value.kind.isContainer })
    }
    enqueue(children.all())
    while !found.isFull, let descendant = unvisited.popLast() {
      budget?.spend(1 + descendant.value.count)
      var children = Children(of: descendant, tracksLocations: tracksLocations)
      select(segment.selectors, from: &children, then: rest, into: &found)
      enqueue(children.all())
    }
  }

  private func select(
    _ selectors: [Selector], from children: inout Children, then rest: ArraySlice<Segment>,
    into found: inout Nodelist
  ) {
    for selector in selectors where !found.isFull {
      switch selector {
      case .name(let name):
        if let child = children.child(named: name) { walk(rest, from: child, into: &found) }
      case .index(let index):
        if let child = children.element(at: index) { walk(rest, from: child, into: &found) }
      case .slice(let slice):
        guard children.parent.value.kind == .array else { continue }
        let elements = children.all()
        for position in slice.positions(count: elements.count) where !found.isFull {
          walk(rest, from: elements[position], into: &found)
        }
      case .wildcard:
        for child in children.all() where !found.isFull { walk(rest, from: child, into: &found) }
      case .filter(let condition):
        for child in children.all() where !found.isFull && holds(condition, for: child.value) {
          walk(rest, from: child, into: &found)
        }
      }
    }
  }
}

/// Selected nodes, up to a limit.
struct Nodelist {
  let limit: Int
  private let budget: WorkBudget?
  private(set) var nodes: [JSONPathNode] = []

  init(limit: Int, budget: WorkBudget?) {
    self.limit = limit
    self.budget = budget
  }

  var isFull: Bool { nodes.count >= limit || budget?.isSpent == true }

  mutating func append(_ node: JSONPathNode) {
    if !isFull { nodes.append(node) }
  }
}

extension JSON.Kind {
  var isContainer: Bool { self == .array || self == .object }
}
