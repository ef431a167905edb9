import Basics

/// Keeps requests within a limit, in every window of its length, wherever the window starts.
///
/// A reservation is a time in the future. Its task calls `resume` when that time has come: tasks wake
/// late, and a vendor counts requests when they are sent, so that the reservation moves to that time. A
/// plain value: the caller gives the time and has the lock. Each reservation names its limit, since
/// connections that share a bucket may have different ones.
package struct RateBucket: Sendable, Equatable {
  /// Requests of one window that are counted individually.
  package static let maximumRequests = 4_096
  /// Reservations, past and future, at most.
  package static let maximumReservations = 65_536
  /// The longest window that a file can contain: a year.
  private static let maximumWindow: Int64 = 31_536_000_000_000_000

  /// When requests were sent and are due, in order. Of those that were sent, as many as a limit needs.
  private var reservations: [Int64] = []
  /// Those whose tasks still wait, even if their time has come.
  private var waiting: [Int64] = []
  /// No request is sent before this time, at the vendor's request.
  private var pausedUntil = Int64.min
  /// When the vendor asked for that.
  private var pausedAt = Int64.min
  /// Pauses that the vendor asked for up to this time do not count. Kept, because another copy of
  /// the bucket may still contain one.
  private var pausesEndedAt = Int64.min
  /// The maximum of all limits so far: requests, and the length of a window.
  private var mostRequests = 0
  private var longestWindow: Int64 = 0

  package init() {}

  // MARK: Looking

  /// When a request reserved now would be due.
  package func nextDue(within limit: RateLimit, now: MonotonicTime) -> MonotonicTime {
    due(ofNext: 1, within: limit, now: now)
  }

  /// When the last of so many requests, reserved one after the other from now on, would be due.
  ///
  /// The cost depends on the number of reservations, not on `count`.
  package func due(ofNext count: Int, within limit: RateLimit, now: MonotonicTime) -> MonotonicTime
  {
    guard count > 0 else { return now }
    let start = max(now.nanoseconds, pausedUntil)
    let split = Self.firstIndex(after: start, in: reservations)
    var forecast = RateForecast(
      after: reservations[..<split], before: reservations[split...], limit.window, from: start)
    return MonotonicTime(nanoseconds: forecast.due(ofNext: count))
  }

  /// Requests that could be sent right now.
  package func available(within limit: RateLimit, now: MonotonicTime) -> Int {
    let (requests, length) = limit.window
    let now = now.nanoseconds
    guard now >= pausedUntil else { return 0 }
    // The fullest window that contains `now` starts at a reservation, or at `now`.
    func count(before time: Int64) -> Int { Self.firstIndex(after: time - 1, in: reservations) }
    let starts = reservations[count(before: now - length + 1)..<count(before: now + 1)] + [now]
    let fullest = starts.map { count(before: $0 + length) - count(before: $0) }
    return max(0, requests - (fullest.max() ?? 0))
  }

  /// Whether so many further reservations are possible.
  private func hasRoom(for count: Int) -> Bool {
    reservations.count + count <= Self.maximumReservations
  }

  /// Whether it no longer delays a request, so that an empty bucket is equivalent.
  package func isIdle(now: MonotonicTime) -> Bool {
    pausedUntil <= now.nanoseconds
      && reservations.last.map { $0 + longestWindow <= now.nanoseconds } ?? true
  }

  /// Milliseconds that the last reservation delays others.
  package var longestMilliseconds: Int { Int(longestWindow / 1_000_000) + 1 }

  /// When the vendor's pause is over; `now` if it is.
  package func resumption(now: MonotonicTime) -> MonotonicTime {
    MonotonicTime(nanoseconds: max(now.nanoseconds, pausedUntil))
  }

  /// Whether the vendor has asked for a pause that lasts beyond `time`.
  package func isPaused(at time: MonotonicTime) -> Bool { pausedUntil > time.nanoseconds }

  /// When so many requests that are sent at once would be due.
  private func due(ofBatch count: Int, within limit: RateLimit, now: MonotonicTime) -> MonotonicTime
  {
    let (requests, length) = limit.window
    var time = max(now.nanoseconds, pausedUntil)
    while true {
      // The fullest window that contains `time` starts at a reservation, or at `time`.
      let first = Self.firstIndex(after: time - length, in: reservations)
      let starts = reservations[first..<Self.firstIndex(after: time - 1, in: reservations)]
      let full = (starts + [time]).last { start in
        self.reservations(from: start, to: start + length) + count > requests
      }
      guard let full else { return MonotonicTime(nanoseconds: time) }
      time = full + length
    }
  }

  /// How many reservations are due from one time until before another.
  private func reservations(from start: Int64, to end: Int64) -> Int {
    Self.firstIndex(after: end - 1, in: reservations)
      - Self.firstIndex(after: start - 1, in: reservations)
  }

  // MARK: Changing

  /// Reserves the earliest time, if it is accepted.
  ///
  /// - Parameter count: of requests that are sent at once, at most those of a window.
  /// - Returns: when the requests are due; not after `now` means sent.
  @discardableResult
  package mutating func reserve(
    _ count: Int = 1, within limit: RateLimit, now: MonotonicTime,
    if accepts: (_ due: MonotonicTime) -> Bool = always
  ) -> MonotonicTime {
    prepare(for: limit, now: now)
    let due =
      count == 1
      ? nextDue(within: limit, now: now) : self.due(ofBatch: count, within: limit, now: now)
    if hasRoom(for: count) && accepts(due) { add(due, count, now: now) }
    return due
  }

  /// The time of a reservation has come. Moves it to `now`, or further if earlier reservations or a
  /// pause require so; releases it if that is not accepted.
  ///
  /// It keeps its position. Later ones move in the same way when their time comes.
  /// - Parameter count: as it was reserved.
  /// - Returns: when the requests are due; not after `now` means sent.
  @discardableResult
  package mutating func resume(
    _ reservation: MonotonicTime, _ count: Int = 1, within limit: RateLimit, now: MonotonicTime,
    if accepts: (_ due: MonotonicTime) -> Bool = always
  ) -> MonotonicTime {
    prepare(for: limit, now: now)
    release(reservation, count)
    let (requests, length) = limit.window
    var time = max(now.nanoseconds, pausedUntil)
    while true {
      let first = Self.firstIndex(after: time, in: reservations) - (requests - count + 1)
      guard first >= 0, reservations[first] > time - length else { break }
      time = reservations[first] + length
    }
    let due = MonotonicTime(nanoseconds: time)
    if hasRoom(for: count) && accepts(due) { add(due, count, now: now) }
    return due
  }

  package static func always(_ due: MonotonicTime) -> Bool { true }

  /// Releases a reservation that was not used, for the next request.
  package mutating func release(_ reservation: MonotonicTime, _ count: Int = 1) {
    for _ in 0..<count {
      _ = Self.remove(reservation.nanoseconds, from: &waiting)
      _ = Self.remove(reservation.nanoseconds, from: &reservations)
    }
  }

  /// No further reservation is due before `time`.
  package mutating func pause(until time: MonotonicTime, now: MonotonicTime) {
    guard time.nanoseconds > pausedUntil else { return }
    (pausedUntil, pausedAt) = (time.nanoseconds, now.nanoseconds)
  }

  /// Requests are sent again from now on, as the limit allows.
  ///
  /// - Returns: whether there was a pause.
  package mutating func endPause(now: MonotonicTime) -> Bool {
    let wasPaused = isPaused(at: now)
    pausesEndedAt = max(pausesEndedAt, now.nanoseconds)
    pausedUntil = .min
    return wasPaused
  }

  /// Adds the contents of another copy of the same bucket. What both contain counts once.
  package mutating func merge(_ other: RateBucket) {
    guard self != other else { return }
    pausesEndedAt = max(pausesEndedAt, other.pausesEndedAt)
    if pausedAt <= pausesEndedAt { pausedUntil = .min }
    if other.pausedAt > pausesEndedAt, other.pausedUntil > pausedUntil {
      (pausedUntil, pausedAt) = (other.pausedUntil, other.pausedAt)
    }
    mostRequests = max(mostRequests, other.mostRequests)
    longestWindow = max(longestWindow, other.longestWindow)
    reservations = Array(
      Self.union(reservations, other.reservations).suffix(Self.maximumReservations))
    waiting = Array(Self.union(waiting, other.waiting).suffix(Self.maximumReservations))
  }

  /// Each value as often as in the list that has it more often.
  private static func union(_ one: [Int64], _ other: [Int64]) -> [Int64] {
    var union: [Int64] = []
    var (first, second) = (0, 0)
    while first < one.count, second < other.count {
      let (a, b) = (one[first], other[second])
      union.append(min(a, b))
      if a <= b { first += 1 }
      if b <= a { second += 1 }
    }
    return union + one[first...] + other[second...]
  }

  private mutating func add(_ due: MonotonicTime, _ count: Int, now: MonotonicTime) {
    for _ in 0..<count {
      Self.insert(due.nanoseconds, into: &reservations)
      if due > now { Self.insert(due.nanoseconds, into: &waiting) }
    }
  }

  /// Drops the past, except for what this limit and earlier ones need.
  private mutating func prepare(for limit: RateLimit, now: MonotonicTime) {
    mostRequests = max(mostRequests, limit.window.requests)
    longestWindow = max(longestWindow, limit.window.nanoseconds)
    let now = now.nanoseconds
    let over = now - longestWindow
    waiting.removeFirst(Self.firstIndex(after: over, in: waiting))
    // Tasks that wake late have not sent yet.
    let kept = mostRequests + Self.firstIndex(after: now, in: waiting)
    let past = Self.firstIndex(after: now, in: reservations)
    reservations.removeFirst(max(past - kept, Self.firstIndex(after: over, in: reservations), 0))
  }

  // MARK: Sorted times

  private static func insert(_ time: Int64, into times: inout [Int64]) {
    times.insert(time, at: firstIndex(after: time, in: times))
  }

  private static func remove(_ time: Int64, from times: inout [Int64]) -> Bool {
    let index = firstIndex(after: time, in: times) - 1
    guard index >= 0, times[index] == time else { return false }
    times.remove(at: index)
    return true
  }

  /// Of the first one after `time`, by bisection.
  private static func firstIndex(after time: Int64, in times: [Int64]) -> Int {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if times[middle] > time { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

// MARK: Serialization

extension RateBucket {
  /// The maximum count of `words`.
  package static let maximumWords = headerWords + 2 * maximumReservations
  private static let headerWords = 6

  /// The contents as numbers, for `init(words:)`.
  package var words: [Int64] {
    [
      pausedUntil, pausedAt, pausesEndedAt, Int64(mostRequests), longestWindow,
      Int64(reservations.count),
    ] + reservations + waiting
  }

  /// - Parameter latest: later reservations and pauses are dropped.
  /// - Returns: nil for numbers that no bucket has written.
  package init?(words: ArraySlice<Int64>, latest: MonotonicTime) {
    let header = words.prefix(Self.headerWords).map(\.self)
    guard header.count == Self.headerWords, (0...Int64(Self.maximumRequests)).contains(header[3]),
      (0...Self.maximumWindow).contains(header[4]),
      (0...Int64(min(Self.maximumReservations, words.count - Self.headerWords))).contains(header[5])
    else { return nil }
    let rest = words.dropFirst(Self.headerWords)
    let (reserved, waited) = (rest.prefix(Int(header[5])), rest.dropFirst(Int(header[5])))
    guard waited.count <= reserved.count else { return nil }
    pausedUntil = header[0] <= latest.nanoseconds ? header[0] : .min
    pausedAt = header[1]
    pausesEndedAt = header[2] <= latest.nanoseconds ? header[2] : .min
    mostRequests = Int(header[3])
    longestWindow = header[4]
    reservations = reserved.filter { $0 <= latest.nanoseconds }.sorted()
    waiting = waited.filter { $0 <= latest.nanoseconds }.sorted()
    // Otherwise the next file would be one that no bucket has written.
    guard waiting.count <= reservations.count else { return nil }
  }
}
