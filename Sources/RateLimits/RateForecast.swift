/// When requests that are reserved one after the other, at one time, are due.
///
/// None is due before its predecessor, so that no part of the bucket is searched twice.
struct RateForecast {
  /// Later times are not distinguished.
  private static let never = Int64.max / 2

  private let requests: Int
  private let length: Int64
  /// Reservations up to `time`, old and new, as many as one window allows.
  private var earlier: [Int64]
  /// Old reservations after `time`.
  private var later: ArraySlice<Int64>
  /// When the last request is due.
  private var time: Int64

  /// - Parameters:
  ///   - earlier: reservations up to `start`, in order.
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
    // From here on each reservation is one window after the one `requests` positions before it.
    let (turns, rest) = (left - 1).quotientAndRemainder(dividingBy: requests)
    let ahead = length.multipliedReportingOverflow(by: Int64(turns) + 1)
    guard !ahead.overflow, ahead.partialValue < Self.never else { return Self.never }
    return earlier[earlier.count - requests + rest] + ahead.partialValue
  }

  private mutating func takeNext() {
    // If as many reservations as the limit allows are within less than a window, there is no room from
    // a window before the last of them to a window after the first. Of those up to `time`, the last
    // ones end that latest.
    var first = max(0, earlier.count - requests)
    while first + requests <= earlier.count + later.count {
      let (start, end) = (reservation(first), reservation(first + requests - 1))
      guard end - length < time else { break }
      if end - start < length { time = max(time, start + length) }
      first += 1
    }
    let passed = later.prefix { $0 <= time }
    earlier.append(contentsOf: passed.suffix(requests))
    later = later[passed.endIndex...]
    earlier.append(time)
  }

  private func reservation(_ index: Int) -> Int64 {
    index < earlier.count ? earlier[index] : later[later.startIndex + index - earlier.count]
  }
}
