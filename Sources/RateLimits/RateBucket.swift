import Basics

/// Keeps requests within a limit, in every window of its length wherever one puts it.
///
/// A reservation is a place in the future: whoever takes one comes back when its time has come. Tasks
/// wake late now and then, and what a vendor counts is when they send: only then the place is where
/// it was used. A plain value; the caller gives the time and holds the lock. The limit comes with each reservation, since
/// those who share a bucket may be held to different ones.
package struct RateBucket: Sendable, Equatable {
  /// Requests of one window that are counted one by one.
  package static let maximumRequests = 4_096
  /// Places, past and to come, at most.
  package static let maximumPlaces = 65_536
  /// The longest window that is believed to have been asked for: a year.
  private static let maximumWindow: Int64 = 31_536_000_000_000_000

  /// When requests were sent and when reservations are due, in order; of what was sent no more than
  /// a limit can ask for.
  private var places: [Int64] = []
  /// Those of them that are waited for, though their time may have come.
  private var waiting: [Int64] = []
  /// The vendor said not before this.
  private var pausedUntil = Int64.min
  /// The most that a limit has asked for so far: requests, and the length of a window.
  private var mostRequests = 0
  private var longestWindow: Int64 = 0

  package init() {}

  // MARK: Asking

  /// When a request reserved now would be due.
  package func nextDue(within limit: RateLimit, now: MonotonicTime) -> MonotonicTime {
    due(ofNext: 1, within: limit, now: now)
  }

  /// When the last of so many requests, reserved one after the other from now on, would be due.
  ///
  /// Costs as much as there are places remembered, however many requests there are.
  package func due(ofNext count: Int, within limit: RateLimit, now: MonotonicTime) -> MonotonicTime
  {
    guard count > 0 else { return now }
    let start = max(now.nanoseconds, pausedUntil)
    let split = Self.firstIndex(after: start, in: places)
    var line = WaitingLine(
      after: places[..<split], before: places[split...], limit.window, from: start)
    return MonotonicTime(nanoseconds: line.due(ofNext: count))
  }

  /// Requests that could be sent right now.
  package func available(within limit: RateLimit, now: MonotonicTime) -> Int {
    let (requests, length) = limit.window
    let now = now.nanoseconds
    guard now >= pausedUntil else { return 0 }
    // A window with `now` in it that is as full as can be begins at a place, or at `now`.
    func count(before time: Int64) -> Int { Self.firstIndex(after: time - 1, in: places) }
    let starts = places[count(before: now - length + 1)..<count(before: now + 1)] + [now]
    let fullest = starts.map { count(before: $0 + length) - count(before: $0) }
    return max(0, requests - (fullest.max() ?? 0))
  }

  /// Whether no further place can be remembered.
  private var isFull: Bool { places.count >= Self.maximumPlaces }

  /// Whether it no longer holds anything back, so that an empty one does as well.
  package func isIdle(now: MonotonicTime) -> Bool {
    pausedUntil <= now.nanoseconds
      && places.last.map { $0 + longestWindow <= now.nanoseconds } ?? true
  }

  /// Milliseconds that the last place holds others back.
  package var longestMilliseconds: Int { Int(longestWindow / 1_000_000) + 1 }

  /// When the vendor's pause is over, `now` when it is.
  package func resumption(now: MonotonicTime) -> MonotonicTime {
    MonotonicTime(nanoseconds: max(now.nanoseconds, pausedUntil))
  }

  /// Whether the vendor has asked for a pause that lasts beyond `time`.
  package func isPaused(at time: MonotonicTime) -> Bool { pausedUntil > time.nanoseconds }

  // MARK: Changing

  /// Reserves the earliest place there is, when it is accepted, and says when it is due; not after
  /// `now` means sent.
  @discardableResult
  package mutating func reserve(
    within limit: RateLimit, now: MonotonicTime, if accepts: (_ due: MonotonicTime) -> Bool = always
  ) -> MonotonicTime {
    prepare(for: limit, now: now)
    let due = nextDue(within: limit, now: now)
    if !isFull && accepts(due) { add(due, now: now) }
    return due
  }

  /// The time of a place has come: moves it to `now`, where it is sent, or as far on as those in front
  /// of it and a pause ask for, when that is accepted; else gives it back.
  ///
  /// It keeps its turn. Those behind it move in the same way when their time comes.
  /// - Returns: when it is due; not after `now` means sent.
  @discardableResult
  package mutating func resume(
    _ place: MonotonicTime, within limit: RateLimit, now: MonotonicTime,
    if accepts: (_ due: MonotonicTime) -> Bool = always
  ) -> MonotonicTime {
    prepare(for: limit, now: now)
    release(place)
    let (requests, length) = limit.window
    var time = max(now.nanoseconds, pausedUntil)
    while true {
      let first = Self.firstIndex(after: time, in: places) - requests
      guard first >= 0, places[first] > time - length else { break }
      time = places[first] + length
    }
    let due = MonotonicTime(nanoseconds: time)
    if !isFull && accepts(due) { add(due, now: now) }
    return due
  }

  package static func always(_ due: MonotonicTime) -> Bool { true }

  /// Gives back a place that was not used, whether or not its time has come, for whoever comes next.
  package mutating func release(_ place: MonotonicTime) {
    _ = Self.remove(place.nanoseconds, from: &waiting)
    _ = Self.remove(place.nanoseconds, from: &places)
  }

  /// No further reservation is due before `time`.
  package mutating func pause(until time: MonotonicTime) {
    pausedUntil = max(pausedUntil, time.nanoseconds)
  }

  /// Takes over what another one remembers of the same requests. What both know counts once.
  package mutating func merge(_ other: RateBucket) {
    guard self != other else { return }
    pausedUntil = max(pausedUntil, other.pausedUntil)
    mostRequests = max(mostRequests, other.mostRequests)
    longestWindow = max(longestWindow, other.longestWindow)
    places = Array(Self.union(places, other.places).suffix(Self.maximumPlaces))
    waiting = Array(Self.union(waiting, other.waiting).suffix(Self.maximumPlaces))
  }

  /// Each as often as in the one that has it more often.
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

  private mutating func add(_ due: MonotonicTime, now: MonotonicTime) {
    Self.insert(due.nanoseconds, into: &places)
    if due > now { Self.insert(due.nanoseconds, into: &waiting) }
  }

  /// Forgets what is past, except for what this limit and those before it can ask for.
  private mutating func prepare(for limit: RateLimit, now: MonotonicTime) {
    mostRequests = max(mostRequests, limit.window.requests)
    longestWindow = max(longestWindow, limit.window.nanoseconds)
    let now = now.nanoseconds
    let over = now - longestWindow
    waiting.removeFirst(Self.firstIndex(after: over, in: waiting))
    // Of those who wake late it is not known yet when they send.
    let kept = mostRequests + Self.firstIndex(after: now, in: waiting)
    let past = Self.firstIndex(after: now, in: places)
    places.removeFirst(max(past - kept, Self.firstIndex(after: over, in: places), 0))
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

// MARK: Keeping it outside the process

extension RateBucket {
  /// The most numbers that there are.
  package static let maximumWords = 4 + 2 * maximumPlaces

  /// Everything there is to it as numbers, which `init(words:)` takes.
  package var words: [Int64] {
    [pausedUntil, Int64(mostRequests), longestWindow, Int64(places.count)] + places + waiting
  }

  /// - Parameter latest: places and pauses beyond it are not believed.
  /// - Returns: nil for what no bucket has written.
  package init?(words: ArraySlice<Int64>, latest: MonotonicTime) {
    let header = words.prefix(4).map(\.self)
    guard header.count == 4, (0...Int64(Self.maximumRequests)).contains(header[1]),
      (0...Self.maximumWindow).contains(header[2]),
      (0...Int64(min(Self.maximumPlaces, words.count - 4))).contains(header[3])
    else { return nil }
    let rest = words.dropFirst(4)
    let (placed, waited) = (rest.prefix(Int(header[3])), rest.dropFirst(Int(header[3])))
    guard waited.count <= placed.count else { return nil }
    pausedUntil = header[0] <= latest.nanoseconds ? header[0] : .min
    mostRequests = Int(header[1])
    longestWindow = header[2]
    places = placed.filter { $0 <= latest.nanoseconds }.sorted()
    waiting = waited.filter { $0 <= latest.nanoseconds }.sorted()
  }
}
