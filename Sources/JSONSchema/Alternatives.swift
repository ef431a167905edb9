import Basics
import JSON

// Faults of a value that matches no branch of `anyOf` or `oneOf`. The faults of all branches would
// not help: at most one branch is meant.
extension Validator {
  /// Reports what the branches have in common, otherwise the faults of the branch that is most
  /// likely meant. Always false.
  mutating func reportClosest(
    of branches: [Int], _ value: JSON, _ node: SchemaNode, _ keyword: String
  ) -> Bool {
    let tried = branches.prefix(SchemaLimits.listedValues).map { branch in
      BranchFaults(schema.nodes[branch], faults(branch, value), at: PathStep.pointer(path))
    }
    if tried.count == branches.count {
      if let types = BranchFaults.commonTypes(of: tried) {
        return report(node, keyword, "must be \(types.phrase(range: ""))")
      }
      if let names = BranchFaults.missingNames(in: tried) {
        let least = keyword == "oneOf" ? "exactly" : "at least"
        return report(
          node, keyword, "\(least) one of \(names.joined(separator: ", ")) is required")
      }
      if let choice = BranchFaults.choices(in: tried) {
        faults.append(
          SchemaFault(
            path: choice.path, schemaPath: node.pointer.child(keyword).text,
            message: "unknown value; expected one of: \(choice.values.joined(separator: ", "))",
            didYouMean: choice.path == PathStep.pointer(path)
              ? suggestion(for: value, among: choice.values) : nil))
        return false
      }
    }
    guard let best = tried.min(), !best.faults.isEmpty else {
      return report(node, keyword, "matches none of \(branches.count) alternatives")
    }
    faults += best.faults.prefix(SchemaLimits.faults - faults.count)
    return false
  }
}

/// The faults of a value for one branch. A closer branch is less.
private struct BranchFaults: Comparable {
  let faults: [SchemaFault]
  private let here: String
  private let types: TypeSet?
  /// The value itself has another type.
  private let isOfOtherType: Bool
  /// A member that tells variants apart has another value.
  private let isOfOtherVariant: Bool

  init(_ node: SchemaNode, _ faults: [SchemaFault], at here: String) {
    self.faults = faults
    self.here = here
    types = node.types
    isOfOtherType = faults.contains { $0.path == here && $0.schemaPath.hasSuffix("/type") }
    isOfOtherVariant = faults.contains {
      $0.schemaPath.hasSuffix("/const") || ($0.path != here && $0.schemaPath.hasSuffix("/enum"))
    }
  }

  static func < (one: BranchFaults, other: BranchFaults) -> Bool {
    if one.isOfOtherType != other.isOfOtherType { return other.isOfOtherType }
    if one.isOfOtherVariant != other.isOfOtherVariant { return other.isOfOtherVariant }
    return one.faults.count < other.faults.count
  }

  static func == (one: BranchFaults, other: BranchFaults) -> Bool {
    !(one < other) && !(other < one)
  }

  /// The types of all branches, if the value has none of them.
  static func commonTypes(of all: [BranchFaults]) -> TypeSet? {
    var types = TypeSet()
    for branch in all {
      guard branch.isOfOtherType, let own = branch.types else { return nil }
      types.formUnion(own)
    }
    return types
  }

  /// The members that the branches miss, if each misses exactly one and has no other fault.
  static func missingNames(in all: [BranchFaults]) -> [String]? {
    var names: [String] = []
    for branch in all {
      guard branch.faults.count == 1, let fault = branch.faults.first, fault.isMissing,
        let name = Pointer.names(of: fault.path)?.last,
        fault.path == branch.here + Pointer.step(name)
      else { return nil }
      names.append(name)
    }
    return names
  }

  /// The constants of all branches for the same place, if the value has none of them.
  static func choices(in all: [BranchFaults]) -> (path: String, values: [String])? {
    var path: String?
    var values: [String] = []
    for branch in all {
      guard let fault = branch.faults.first(where: { $0.schemaPath.hasSuffix("/const") }),
        path == nil || path == fault.path
      else { return nil }
      path = fault.path
      var value = fault.message.dropFirst("must be ".count)
      if value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
      if !values.contains(String(value)) { values.append(String(value)) }
    }
    guard let path, values.count > 1 else { return nil }
    return (path, values)
  }
}
