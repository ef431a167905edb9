import Basics

/// So many requests in so many seconds.
public struct RateLimit: Sendable, Equatable {
  public var requests: Int
  public var perSeconds: Double

  public init(requests: Int, perSeconds: Double) {
    self.requests = requests
    self.perSeconds = perSeconds
  }
}

/// Keeps requests within a limit, in every window of its length wherever one puts it.
///
/// A reservation is a place in the future: whoever takes one sends when its time has come. A plain
/// value; the caller gives the time and holds the lock.
public struct RateBucket: Sendable {
  public let limit: RateLimit
  /// When each of the last `limit.requests` reservations is due, as a ring.
  private var due: [MonotonicTime] = []
  private var oldest = 0
  /// The vendor said not before this.
  private var pausedUntil = MonotonicTime(nanoseconds: .min)

  public init(_ limit: RateLimit) {
    precondition(limit.requests > 0 && limit.perSeconds > 0, "a limit that lets nothing pass")
    self.limit = limit
  }

  private var windowNanoseconds: Int64 { Int64(limit.perSeconds * 1_000_000_000) }

  /// When a request reserved now would be due.
  public func nextDue(now: MonotonicTime) -> MonotonicTime {
    var time = max(now, pausedUntil)
    if due.count == limit.requests {
      time = max(
        time, MonotonicTime(nanoseconds: due[oldest].nanoseconds + windowNanoseconds))
    }
    return time
  }

  /// Reserves the next place and says when it is due.
  public mutating func reserve(now: MonotonicTime) -> MonotonicTime {
    let time = nextDue(now: now)
    if due.count < limit.requests {
      due.append(time)
    } else {
      due[oldest] = time
      oldest = (oldest + 1) % limit.requests
    }
    return time
  }

  /// No further reservation is due before `time`.
  public mutating func pause(until time: MonotonicTime) {
    pausedUntil = max(pausedUntil, time)
  }

  /// Requests that could be sent right now.
  public func available(now: MonotonicTime) -> Int {
    guard now >= pausedUntil else { return 0 }
    let windowStart = now.nanoseconds - windowNanoseconds
    return limit.requests - due.count { $0.nanoseconds > windowStart }
  }
}
