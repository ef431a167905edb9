import Glibc

/// Finds the encoded forms of several secrets in one pass with the Wu-Manber algorithm and blocks of
/// two bytes. Without a match it inspects only a fraction of the bytes.
final class SecretPatterns: Sendable {
  /// Longest window in bytes. A longer one would skip little more, and its tables would be larger.
  private static let maximumWindow = 16
  private static let maximumTable = 65_536

  let secrets: [Secret]
  /// All patterns, one after the other.
  private let bytes: [UInt8]
  /// The place of each pattern in `bytes`.
  private let places: [Range<Int>]
  /// The patterns by the hash of their first bytes, longest first.
  private let buckets: [UInt64: [Int]]
  /// This window moves over the text. No pattern is shorter.
  private let window: Int
  /// How far the window can move, by the hash of the block at its end.
  private let shifts: [UInt8]

  convenience init(of secrets: [Secret]) {
    self.init(secrets.flatMap { SecretForms.all(of: $0.text) }, of: secrets)
  }

  /// - Parameter patterns: a pattern may be repeated.
  init(_ patterns: [[UInt8]], of secrets: [Secret] = []) {
    self.secrets = secrets
    let patterns = patterns.sorted { $0.count > $1.count }
    let window = min(patterns.last?.count ?? 0, Self.maximumWindow)
    var bytes: [UInt8] = []
    var places: [Range<Int>] = []
    var buckets: [UInt64: [Int]] = [:]
    var table = 1_024
    while table < Self.maximumTable, table < 8 * patterns.count * window { table *= 2 }
    var shifts = [UInt8](repeating: UInt8(max(0, window - 1)), count: table)
    for (number, pattern) in patterns.enumerated() where window >= 2 {
      places.append(bytes.count..<bytes.count + pattern.count)
      bytes += pattern
      pattern.withUnsafeBufferPointer { pattern in
        buckets[Self.hash(pattern, 0, window), default: []].append(number)
        for start in 0...(window - 2) {
          let block = Self.block(pattern[start], pattern[start + 1], table)
          shifts[block] = min(shifts[block], UInt8(window - 2 - start))
        }
      }
    }
    (self.window, self.bytes, self.places) = (window, bytes, places)
    (self.buckets, self.shifts) = (buckets, shifts)
  }

  @inline(__always)
  private static func block(_ first: UInt8, _ second: UInt8, _ table: Int) -> Int {
    // With the largest table, each block has its own place.
    (Int(first) << 8 ^ Int(second) &* 0x101) & (table - 1)
  }

  private static func hash(_ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ count: Int) -> UInt64 {
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for position in at..<at + count { hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3 }
    return hash
  }

  /// Calls `body` with all matches, in order. Overlapping matches are one.
  func find(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    var start = 0
    var pending: Range<Int>?
    while let match = firstMatch(in: text, from: start) {
      if let last = pending, match.lowerBound < last.upperBound {
        pending = last.lowerBound..<max(last.upperBound, match.upperBound)
      } else {
        if let pending { body(pending) }
        pending = match
      }
      start = match.lowerBound + 1
    }
    if let pending { body(pending) }
  }

  private func firstMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int>? {
    guard window >= 2 else { return nil }
    return shifts.withUnsafeBufferPointer { shifts in
      var at = start
      while at + window <= text.count {
        let block = Self.block(text[at + window - 2], text[at + window - 1], shifts.count)
        let shift = shifts[block]
        if shift == 0, let length = matchLength(text, at) { return at..<(at + length) }
        at += max(1, Int(shift))
      }
      return nil
    }
  }

  /// The length of the longest pattern at `at`.
  private func matchLength(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
    guard let bucket = buckets[Self.hash(text, at, window)], let base = text.baseAddress else {
      return nil
    }
    return bytes.withUnsafeBufferPointer { bytes in
      for number in bucket {
        let place = places[number]
        guard at + place.count <= text.count, let pattern = bytes.baseAddress else { continue }
        if memcmp(base + at, pattern + place.lowerBound, place.count) == 0 { return place.count }
      }
      return nil
    }
  }
}
