/// Requests that come to a bucket one after the other, all at one time.
///
/// None is due before the one before it, so that what was searched is not searched again.
struct WaitingLine {
  /// What is too far ahead to be told apart.
  private static let never = Int64.max / 2

  private let requests: Int
  private let length: Int64
  /// Places up to `time`, old and new; only as many as a window holds matter.
  private var earlier: [Int64]
  /// Old places after `time`.
  private var later: ArraySlice<Int64>
  /// When the last one is due.
  private var time: Int64

  /// - Parameters:
  ///   - earlier: places up to `start`, in order.
  ///   - later: those after it.
  init(
    after earlier: ArraySlice<Int64>, before later: ArraySlice<Int64>,
    _ window: (requests: Int, nanoseconds: Int64), from start: Int64
  ) {
    (requests, length) = window
    self.earlier = Array(earlier.suffix(requests))
    self.later = later
    time = start
  }

  mutating func due(ofNext count: Int) -> Int64 {
    var left = count
    var behindAll = 0
    while left > 0 && behindAll < requests {
      takeNext()
      left -= 1
      if later.isEmpty { behindAll += 1 }
    }
    guard left > 0 else { return time }
    // From here on each place lies a window after the one that is a limit's number before it.
    let (turns, rest) = (left - 1).quotientAndRemainder(dividingBy: requests)
    let ahead = length.multipliedReportingOverflow(by: Int64(turns) + 1)
    guard !ahead.overflow, ahead.partialValue < Self.never else { return Self.never }
    return earlier[earlier.count - requests + rest] + ahead.partialValue
  }

  private mutating func takeNext() {
    // As many places as the limit allows, all in less than a window, leave no room from a window
    // before the last of them to a window after the first. Of those up to `time` the last ones leave
    // it latest.
    var first = max(0, earlier.count - requests)
    while first + requests <= earlier.count + later.count {
      let (start, end) = (place(first), place(first + requests - 1))
      guard end - length < time else { break }
      if end - start < length { time = max(time, start + length) }
      first += 1
    }
    let passed = later.prefix { $0 <= time }
    earlier.append(contentsOf: passed.suffix(requests))
    later = later[passed.endIndex...]
    earlier.append(time)
  }

  private func place(_ index: Int) -> Int64 {
    index < earlier.count ? earlier[index] : later[later.startIndex + index - earlier.count]
  }
}
