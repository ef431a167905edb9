/// Values by their labels. Labels beyond the limit share one value, so that callers cannot use up memory
/// with names.
struct LabelSets<Labels: Hashable & Sendable, Value: Sendable>: Sendable {
  private(set) var values: [Labels: Value] = [:]
  private let maximum: Int
  private let others: Labels
  private let initial: Value

  /// - Parameters:
  ///   - maximum: number of labels with a separate value.
  ///   - others: the labels of all further ones.
  init(maximum: Int, others: Labels, initial: Value) {
    self.maximum = maximum
    self.others = others
    self.initial = initial
  }

  mutating func change(_ labels: Labels, _ body: (inout Value) -> Void) {
    let isKnown = values.count < maximum || values[labels] != nil
    let initial = initial
    body(&values[isKnown ? labels : others, default: initial])
  }
}
