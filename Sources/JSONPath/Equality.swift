import Basics
import JSON

extension JSON {
  /// Whether two values are structurally equal. The order of members does not matter.
  ///
  /// Iterative, so nesting uses no stack.
  func isSame(as other: JSON) -> Bool {
    var remaining = [(self, other)]
    while let (left, right) = remaining.popLast() {
      guard left.kind == right.kind else { return false }
      switch left.kind {
      case .null, .false, .true:
        continue
      case .number:
        guard let left = Number(left), let right = Number(right), left == right else {
          return false
        }
      case .string:
        guard left.hasSameText(as: right) else { return false }
      case .array:
        let left = Array(left.elements)
        let right = Array(right.elements)
        guard left.count == right.count else { return false }
        remaining.append(contentsOf: zip(left, right))
      case .object:
        guard Self.pairMembers(left, right, into: &remaining) else { return false }
      }
    }
    return true
  }

  /// Appends the pairs of values with the same name; false if the names differ.
  private static func pairMembers(
    _ left: JSON, _ right: JSON, into pairs: inout [(JSON, JSON)]
  ) -> Bool {
    let left = left.distinctMembers
    let right = right.distinctMembers
    guard left.count == right.count else { return false }
    // Fast path: usually one producer wrote both, with the same order.
    if zip(left, right).allSatisfy({ $0.name.hasSameText(as: $1.name) }) {
      pairs.append(contentsOf: zip(left, right).map { ($0.value, $1.value) })
      return true
    }
    var values: [[UInt8]: JSON] = [:]
    for member in right { values[member.name.stringBytes ?? []] = member.value }
    for member in left {
      guard let value = values[member.name.stringBytes ?? []] else { return false }
      pairs.append((member.value, value))
    }
    return true
  }
}
