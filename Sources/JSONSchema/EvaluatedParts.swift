/// The members or elements of one value that subschemas have evaluated, by position.
struct EvaluatedParts {
  private var isWhole = false
  private var bits: [UInt64] = []

  mutating func insertAll() { isWhole = true }

  mutating func insert(_ position: Int) {
    while bits.count <= position / 64 { bits.append(0) }
    bits[position / 64] |= 1 << UInt64(position % 64)
  }

  func contains(_ position: Int) -> Bool {
    isWhole || (position / 64 < bits.count && bits[position / 64] >> UInt64(position % 64) & 1 == 1)
  }

  mutating func formUnion(_ other: EvaluatedParts) {
    isWhole = isWhole || other.isWhole
    while bits.count < other.bits.count { bits.append(0) }
    for (position, word) in other.bits.enumerated() { bits[position] |= word }
  }
}
