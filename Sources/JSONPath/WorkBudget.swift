import Basics
import JSON

/// The remaining work of evaluations. One unit is about one visited node or 64 compared bytes.
///
/// A class, because the evaluator that uses it is immutable. Not thread-safe.
package final class WorkBudget {
  private var left: Int

  package init(units: Int) { left = units }

  package var isSpent: Bool { left < 0 }

  package func spend(_ units: Int) { if left >= 0 { left -= units } }

  /// Charges the comparison of two values.
  func spend(comparing left: FilterValue, _ right: FilterValue) {
    guard case .json(let left) = left, case .json(let right) = right, left.kind == right.kind
    else { return spend(1) }
    let bytes = left.kind.isContainer ? left.size + right.size : min(left.size, right.size)
    spend(1 + bytes / 64)
  }
}

extension JSON {
  fileprivate var size: Int { withSource(\.count) }
}
