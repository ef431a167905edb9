import Basics
import JSON

/// The children of one node. Collected on first use and cached, because several selectors of a
/// segment may need them.
struct Children {
  let parent: JSONPathNode
  let tracksLocations: Bool
  private var collected: [JSONPathNode]?

  init(of parent: JSONPathNode, tracksLocations: Bool) {
    self.parent = parent
    self.tracksLocations = tracksLocations
  }

  /// Elements of an array, or the values of distinct members, in source order; empty for a scalar.
  mutating func all() -> [JSONPathNode] {
    if let collected { return collected }
    let nodes = collect()
    collected = nodes
    return nodes
  }

  func child(named name: MemberName) -> JSONPathNode? {
    guard parent.value.kind == .object else { return nil }
    guard tracksLocations else {
      return name.value(in: parent.value).map { JSONPathNode(value: $0, location: nil) }
    }
    var found: JSON.Member?
    for member in parent.value.members where member.name.hasText(name.utf8) { found = member }
    return found.map { node($0.value, .name($0.name)) }
  }

  /// The element at an index. A negative index counts from the end.
  mutating func element(at index: Int) -> JSONPathNode? {
    guard parent.value.kind == .array else { return nil }
    if index >= 0, collected == nil { return parent.value[index].map { node($0, .index(index)) } }
    let elements = all()
    let position = index >= 0 ? index : elements.count + index
    return elements.indices.contains(position) ? elements[position] : nil
  }

  private func collect() -> [JSONPathNode] {
    switch parent.value.kind {
    case .array:
      var position = -1
      return parent.value.elements.map { element in
        position += 1
        return node(element, .index(position))
      }
    case .object:
      return parent.value.distinctMembers.map { node($0.value, .name($0.name)) }
    default:
      return []
    }
  }

  private func node(_ value: JSON, _ step: Location.Step) -> JSONPathNode {
    JSONPathNode(
      value: value,
      location: tracksLocations ? Location(parent: parent.location, step: step) : nil)
  }
}

extension JSON {
  /// Up to this number, comparing all pairs of names is cheaper than hashing.
  private static let fewMembers = 16

  /// The members of an object. If names repeat, only the last member.
  var distinctMembers: [Member] {
    let members = Array(self.members)
    if members.count <= Self.fewMembers {
      let hasDuplicates = members.indices.contains { later in
        members[..<later].contains { $0.name.hasSameText(as: members[later].name) }
      }
      if !hasDuplicates { return members }
    }
    var names: Set<[UInt8]> = []
    return members.reversed().filter { names.insert($0.name.stringBytes ?? []).inserted }.reversed()
  }
}
