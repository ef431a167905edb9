/// Candidates for "did you mean …?".
public enum Suggestion {
  /// The candidate closest to `word`, if it is a likely typo: at most a third of the characters
  /// differ; two are always allowed in words of four or more.
  public static func closest(to word: String, among candidates: some Sequence<String>) -> String? {
    let folded = normalize(word)
    // No real name is this long. The limit keeps hostile input cheap.
    guard folded.count <= 80, !folded.isEmpty else { return nil }
    let limit = max(folded.count <= 3 ? 1 : 2, folded.count / 3)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let other = normalize(candidate)
      // The distance is at least the difference in length.
      guard abs(other.count - folded.count) <= limit else { continue }
      let distance = editDistance(folded, other)
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// `pageSize`, `page-size`, `Page Size` and `page_size` compare equal.
  private static func normalize(_ word: String) -> [UInt8] {
    word.lowercased().utf8.filter { $0 != 0x5F && $0 != 0x2D && $0 != 0x20 }
  }

  /// Insertions, deletions, substitutions and swaps of neighbors (optimal string alignment).
  private static func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    if one.isEmpty || other.isEmpty { return max(one.count, other.count) }
    var beforeLast = [Int](repeating: 0, count: other.count + 1)
    var last = Array(0...other.count)
    for row in 1...one.count {
      var current = [row] + [Int](repeating: 0, count: other.count)
      for column in 1...other.count {
        let same = one[row - 1] == other[column - 1]
        current[column] = min(
          last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
        if row > 1, column > 1, one[row - 1] == other[column - 2],
          one[row - 2] == other[column - 1]
        {
          current[column] = min(current[column], beforeLast[column - 2] + 1)
        }
      }
      (beforeLast, last) = (last, current)
    }
    return last[other.count]
  }
}
