import Basics
import JSON

// Faults of a value that matches no branch of `anyOf` or `oneOf`. The faults of all branches would
// not help: at most one branch is meant.
extension Validator {
  /// Reports the faults of the branch that is most likely meant. Always false.
  mutating func reportClosest(
    of branches: [Int], _ value: JSON, _ node: SchemaNode, _ keyword: String
  ) -> Bool {
    let here = PathStep.pointer(path)
    var best: (rank: Rank, faults: [SchemaFault])?
    var typesOfAll: TypeSet? = []
    for branch in branches.prefix(SchemaLimits.listedValues) {
      let faults = self.faults(branch, value)
      let rank = Rank(faults, at: here)
      if rank < best?.rank ?? .worst || best == nil { best = (rank, faults) }
      guard faults.count == 1, faults[0].path == here else {
        typesOfAll = nil
        continue
      }
      if let types = schema.nodes[branch].types, rank.isOfOtherType {
        typesOfAll?.formUnion(types)
      } else {
        typesOfAll = nil
      }
    }
    if let typesOfAll, !typesOfAll.isEmpty {
      return report(node, keyword, "must be \(typesOfAll.phrase(range: ""))")
    }
    guard let best, !best.faults.isEmpty else {
      return report(node, keyword, "matches none of \(branches.count) alternatives")
    }
    for fault in best.faults where faults.count < SchemaLimits.faults { faults.append(fault) }
    return false
  }
}

/// How far a branch is from a value. Less is closer.
private struct Rank: Comparable {
  static let worst = Rank(isOfOtherType: true, isOfOtherVariant: true, count: .max)

  /// The value has another type.
  let isOfOtherType: Bool
  /// A member that tells variants apart has another value.
  let isOfOtherVariant: Bool
  let count: Int

  private init(isOfOtherType: Bool, isOfOtherVariant: Bool, count: Int) {
    self.isOfOtherType = isOfOtherType
    self.isOfOtherVariant = isOfOtherVariant
    self.count = count
  }

  init(_ faults: [SchemaFault], at here: String) {
    isOfOtherType = faults.contains { $0.path == here && $0.schemaPath.hasSuffix("/type") }
    isOfOtherVariant = faults.contains {
      $0.schemaPath.hasSuffix("/const") || ($0.path != here && $0.schemaPath.hasSuffix("/enum"))
    }
    count = faults.count
  }

  static func < (one: Rank, other: Rank) -> Bool {
    if one.isOfOtherType != other.isOfOtherType { return other.isOfOtherType }
    if one.isOfOtherVariant != other.isOfOtherVariant { return other.isOfOtherVariant }
    return one.count < other.count
  }
}
