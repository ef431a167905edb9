import Basics
import JSON

/// What evaluations may still do, in units of about a node looked at or 64 bytes compared.
///
/// A class, because the evaluator that holds it does not change; for one thread at a time.
package final class WorkBudget {
  private var left: Int

  package init(units: Int) { left = units }

  package var isSpent: Bool { left < 0 }

  package func spend(_ units: Int) { if left >= 0 { left -= units } }

  /// For a comparison of two values.
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
