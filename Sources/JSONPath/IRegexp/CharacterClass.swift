/// A set of Unicode scalars.
struct CharacterClass: Sendable {
  enum Item: Sendable {
    case range(ClosedRange<Unicode.Scalar>)
    case categories(CategorySet)
  }

  /// `.`: any character except line feed and carriage return.
  static let anyButLineEnds = CharacterClass(
    [.range("\n"..."\n"), .range("\r"..."\r")], isNegated: true)

  /// Sorted and disjoint, so that a lookup is a binary search.
  private let ranges: [ClosedRange<UInt32>]
  private let categories: CategorySet
  private let isNegated: Bool

  init(_ items: [Item], isNegated: Bool = false) {
    var ranges: [ClosedRange<UInt32>] = []
    var categories = CategorySet()
    for item in items {
      switch item {
      case .range(let range): ranges.append(range.lowerBound.value...range.upperBound.value)
      case .categories(let set): categories.formUnion(set)
      }
    }
    self.ranges = Self.merged(ranges)
    self.categories = categories
    self.isNegated = isNegated
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    (isInRanges(scalar.value) || isInCategories(scalar)) != isNegated
  }

  private func isInCategories(_ scalar: Unicode.Scalar) -> Bool {
    !categories.isEmpty && categories.contains(CategorySet(scalar.properties.generalCategory))
  }

  private func isInRanges(_ value: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].contains(value) { return true }
      if value < ranges[middle].lowerBound { high = middle } else { low = middle + 1 }
    }
    return false
  }

  private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var merged: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
