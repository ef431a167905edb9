import Basics
import HTTP
import Synchronization

/// The rate buckets of one connection, made when a command first needs one.
///
/// Which limit holds for a command: the connection's for that command, else the connection's
/// default (one bucket for all such commands), else the vendor's documented one, else none.
public final class RateLimiter: Sendable {
  public enum Reservation: Sendable {
    case now
    case after(milliseconds: Int)
    /// Nothing was reserved.
    case tooLate(milliseconds: Int)
  }

  private struct State {
    var buckets: [String: RateBucket] = [:]
    /// Of commands without a limit, after a 429.
    var pauses: [String: MonotonicTime] = [:]
  }

  private static let defaultKey = "default"

  private let limits: [String: RateLimit]
  private let state = Mutex(State())

  public init(_ limits: [String: RateLimit]) {
    self.limits = limits
  }

  private func limit(
    of command: String, _ documented: RateLimit?
  ) -> (key: String, limit: RateLimit)? {
    if let limit = limits[command] { return (command, limit) }
    if let limit = limits[Self.defaultKey] { return (Self.defaultKey, limit) }
    return documented.map { (command, $0) }
  }

  /// Reserves the next place for a command when `fits` accepts the time it is due.
  func reserve(
    for command: String, default documented: RateLimit?,
    if fits: (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool
  ) -> Reservation {
    let now = MonotonicTime.now
    return state.withLock { state in
      let due: MonotonicTime
      // Asked once: the deadline comes nearer while one looks.
      let isInTime: Bool
      if let (key, limit) = limit(of: command, documented) {
        due = state.buckets[key, default: RateBucket(limit)].nextDue(now: now)
        isInTime = fits(due, now)
        if isInTime { _ = state.buckets[key, default: RateBucket(limit)].reserve(now: now) }
      } else {
        due = max(now, state.pauses[command] ?? now)
        isInTime = fits(due, now)
      }
      if due <= now && isInTime { return .now }
      let wait = due.milliseconds(since: now)
      return isInTime ? .after(milliseconds: wait) : .tooLate(milliseconds: wait)
    }
  }

  /// The vendor refused and named a time.
  func pause(for command: String, default documented: RateLimit?, until time: MonotonicTime) {
    state.withLock { state in
      if let (key, limit) = limit(of: command, documented) {
        state.buckets[key, default: RateBucket(limit)].pause(until: time)
      } else {
        state.pauses[command] = max(time, state.pauses[command] ?? time)
      }
    }
  }

  /// Writes `[{"bucket","requests","per_seconds","available","resume_in_ms"}]`.
  public func write(to writer: inout JSONWriter) {
    let now = MonotonicTime.now
    let state = state.withLock { $0 }
    writer.array { writer in
      for (key, bucket) in state.buckets.sorted(by: { $0.key < $1.key }) {
        writer.object {
          $0.member("bucket", key)
          $0.member("requests", bucket.limit.requests)
          $0.name("per_seconds")
          $0.double(bucket.limit.perSeconds)
          $0.member("available", bucket.available(now: now))
          $0.member("resume_in_ms", bucket.nextDue(now: now).milliseconds(since: now))
        }
      }
      for (command, time) in state.pauses.sorted(by: { $0.key < $1.key }) where time > now {
        writer.object {
          $0.member("bucket", command)
          $0.member("available", 0)
          $0.member("resume_in_ms", time.milliseconds(since: now))
        }
      }
    }
  }
}
