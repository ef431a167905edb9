/// Durations by their length.
struct DurationHistogram: Sendable {
  /// The upper bounds of the buckets, in seconds.
  static let bounds = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600,
  ]
  private static let nanosecondBounds = bounds.map { Int64($0 * 1_000_000_000) }

  /// How many are at most as long as each bound and longer than the one before.
  private var counts = [Int](repeating: 0, count: bounds.count)
  private var sumNanoseconds: Int64 = 0
  private(set) var count = 0

  mutating func add(nanoseconds: Int64) {
    count += 1
    sumNanoseconds += nanoseconds
    if let position = Self.nanosecondBounds.firstIndex(where: { nanoseconds <= $0 }) {
      counts[position] += 1
    }
  }

  mutating func add(_ other: DurationHistogram) {
    count += other.count
    sumNanoseconds += other.sumNanoseconds
    for position in counts.indices { counts[position] += other.counts[position] }
  }

  func write(_ labels: [OpenMetricsWriter.Label], to writer: inout OpenMetricsWriter) {
    var total = 0
    for (bound, count) in zip(Self.bounds, counts) {
      total += count
      writer.sample("_bucket", labels + [("le", "\(bound)")], total)
    }
    writer.sample("_bucket", labels + [("le", "+Inf")], count)
    writer.sample("_count", labels, count)
    writer.sample("_sum", labels, Double(sumNanoseconds) / 1_000_000_000)
  }
}
