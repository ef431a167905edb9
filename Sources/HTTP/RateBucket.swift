import Basics

/// Keeps requests within a limit, in every window of its length wherever one puts it.
///
/// A reservation is a place in the future: whoever takes one sends when its time has come. A plain
/// value; the caller gives the time and holds the lock. The limit comes with each reservation, since
/// those who share a bucket may be held to different ones.
public struct RateBucket: Sendable, Equatable {
  /// Places, past and to come, at most.
  public static let maximumPlaces = 65_536
  /// The longest window that is believed to have been asked for: a year.
  private static let maximumWindow: Int64 = 31_536_000_000_000_000

  /// When each reservation is due, in order; of the past no more than a limit can ask for.
  private var places: [Int64] = []
  /// The vendor said not before this.
  private var pausedUntil = Int64.min
  /// The most that a limit has asked for so far: requests, and the length of a window.
  private var mostRequests = 0
  private var longestWindow: Int64 = 0

  public init() {}

  // MARK: Asking

  /// When a request reserved now would be due.
  public func nextDue(within limit: RateLimit, now: MonotonicTime) -> MonotonicTime {
    due(ofNext: 1, within: limit, now: now)
  }

  /// When the last of so many requests, reserved one after the other from now on, would be due.
  ///
  /// Costs as much as there are places remembered, however many requests there are.
  public func due(ofNext count: Int, within limit: RateLimit, now: MonotonicTime) -> MonotonicTime {
    guard count > 0 else { return now }
    let start = max(now.nanoseconds, pausedUntil)
    let split = firstIndex(after: start)
    var line = WaitingLine(
      after: places[..<split], before: places[split...], limit.window, from: start)
    return MonotonicTime(nanoseconds: line.due(ofNext: count))
  }

  /// Requests that could be sent right now.
  public func available(within limit: RateLimit, now: MonotonicTime) -> Int {
    let (requests, length) = limit.window
    let now = now.nanoseconds
    guard now >= pausedUntil else { return 0 }
    // A window with `now` in it that is as full as can be begins at a place, or at `now`.
    let starts = places[firstIndex(after: now - length)..<firstIndex(after: now)] + [now]
    let fullest = starts.map { firstIndex(after: $0 + length - 1) - firstIndex(after: $0 - 1) }
    return max(0, requests - (fullest.max() ?? 0))
  }

  /// Whether no further place can be remembered.
  public var isFull: Bool { places.count >= Self.maximumPlaces }

  /// Whether it no longer holds anything back, so that an empty one does as well.
  public func isIdle(now: MonotonicTime) -> Bool {
    pausedUntil <= now.nanoseconds
      && places.last.map { $0 + longestWindow <= now.nanoseconds } ?? true
  }

  /// Milliseconds that the last place holds others back.
  public var longestMilliseconds: Int64 { longestWindow / 1_000_000 + 1 }

  /// Whether the vendor has asked for a pause that lasts beyond `time`.
  public func isPaused(at time: MonotonicTime) -> Bool { pausedUntil > time.nanoseconds }

  // MARK: Changing

  /// Reserves the earliest place there is and says when it is due.
  public mutating func reserve(within limit: RateLimit, now: MonotonicTime) -> MonotonicTime {
    let window = limit.window
    mostRequests = max(mostRequests, window.requests)
    longestWindow = max(longestWindow, window.nanoseconds)
    forget(before: now.nanoseconds)
    let due = nextDue(within: limit, now: now)
    places.insert(due.nanoseconds, at: firstIndex(after: due.nanoseconds))
    return due
  }

  /// Gives back a place that was not used, for whoever comes next.
  public mutating func release(_ due: MonotonicTime) {
    let index = firstIndex(after: due.nanoseconds) - 1
    if index >= 0, places[index] == due.nanoseconds { places.remove(at: index) }
  }

  /// No further reservation is due before `time`.
  public mutating func pause(until time: MonotonicTime) {
    pausedUntil = max(pausedUntil, time.nanoseconds)
  }

  /// Takes over what another one remembers of the same requests. What both know counts once.
  public mutating func merge(_ other: RateBucket) {
    guard self != other else { return }
    pausedUntil = max(pausedUntil, other.pausedUntil)
    mostRequests = max(mostRequests, other.mostRequests)
    longestWindow = max(longestWindow, other.longestWindow)
    places = Array(Self.union(places, other.places).suffix(Self.maximumPlaces))
  }

  /// Each as often as in the one that has it more often.
  private static func union(_ one: [Int64], _ other: [Int64]) -> [Int64] {
    var union: [Int64] = []
    var (one, other) = (one[...], other[...])
    while let first = one.first, let second = other.first {
      union.append(min(first, second))
      if first <= second { one.removeFirst() }
      if second <= first { other.removeFirst() }
    }
    return union + one + other
  }

  private mutating func forget(before now: Int64) {
    let past = firstIndex(after: now)
    places.removeFirst(max(past - mostRequests, firstIndex(after: now - longestWindow), 0))
  }

  /// Of the first place due after `time`, by bisection.
  private func firstIndex(after time: Int64) -> Int {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle] > time { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

// MARK: Keeping it outside the process

extension RateBucket {
  /// Everything there is to it as numbers, which `init(words:)` takes.
  public var words: [Int64] {
    [pausedUntil, Int64(mostRequests), longestWindow, Int64(places.count)] + places
  }

  /// - Parameter latest: places and pauses beyond it are not believed.
  /// - Returns: nil for what no bucket has written.
  public init?(words: ArraySlice<Int64>, latest: MonotonicTime) {
    let header = words.prefix(4).map(\.self)
    guard header.count == 4, (0...Int64(RateLimit.maximumRequests)).contains(header[1]),
      (0...Self.maximumWindow).contains(header[2]), header[3] == words.count - 4,
      words.count - 4 <= Self.maximumPlaces
    else { return nil }
    pausedUntil = header[0] <= latest.nanoseconds ? header[0] : .min
    mostRequests = Int(header[1])
    longestWindow = header[2]
    places = words.dropFirst(4).filter { $0 <= latest.nanoseconds }.sorted()
  }
}
