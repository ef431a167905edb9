/// A set of Unicode scalars.
struct CharacterClass: Sendable {
  enum Item: Sendable {
    case range(ClosedRange<Unicode.Scalar>)
    case categories(CategorySet)
  }

  /// `.`: any character except line feed and carriage return.
  static let anyButLineEnds = CharacterClass(
    [.range("\n"..."\n"), .range("\r"..."\r")], isNegated: true)

  /// `\w`
  static let word = CharacterClass(ECMAClasses.word)

  /// Sorted and disjoint, so that a lookup is a binary search.
  private let ranges: [ClosedRange<UInt32>]
  private let categories: CategorySet
  private let isNegated: Bool
  /// The members below U+0080, one bit each, as most text is ASCII.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)

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
    for byte in UInt8(0)..<0x80 where isMember(Unicode.Scalar(byte)) {
      if byte < 64 { ascii.low |= 1 << byte } else { ascii.high |= 1 << (byte - 64) }
    }
  }

  @inline(__always)
  func contains(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    if value < 64 { return ascii.low >> UInt64(value) & 1 == 1 }
    if value < 128 { return ascii.high >> UInt64(value - 64) & 1 == 1 }
    return isMember(scalar)
  }

  private func isMember(_ scalar: Unicode.Scalar) -> Bool {
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
