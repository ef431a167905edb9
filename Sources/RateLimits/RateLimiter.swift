import Basics
import JSON
import Synchronization

/// The rate limits of one connection; their buckets are made when a command first needs one.
///
/// Which limit holds for a command: the connection's for that command, which has a bucket of its
/// own; else the connection's for the command's bucket; else the vendor's documented one; else none.
package final class RateLimiter: Sendable {
  /// Milliseconds that a request without a deadline of its caller waits for one limit at most: a day.
  package static let maximumWaitMilliseconds = 86_400_000

  package enum Reservation: Sendable {
    case now(RatePlace)
    case after(milliseconds: Int, RatePlace)
    /// Nothing was reserved.
    case tooLate(milliseconds: Int)
  }

  private struct Entry {
    let bucket: SharedRateBucket
    let limit: RateLimit

    /// Requests do not arrive as evenly as they are sent, and vendors count what arrives: the window
    /// is kept to with a twentieth more, 250 ms at most.
    var kept: RateLimit {
      let margin = min(limit.perSeconds / 20, 0.25)
      return RateLimit(requests: limit.requests, perSeconds: limit.perSeconds + margin)
    }
  }

  private struct State {
    /// What the buckets belong to; nil for this connection.
    var identity: String?
    var entries: [String: Entry] = [:]
    /// Of commands without a limit, after a 429: they hold pauses only.
    var pauses: [String: SharedRateBucket] = [:]
  }

  private let limits: [String: RateLimit]
  private let shared: SharedRateLimits
  private let state = Mutex(State())

  package init(_ limits: [String: RateLimit], sharedIn shared: SharedRateLimits = .inProcess) {
    self.limits = limits
    self.shared = shared
  }

  /// From now on the limits are those of `identity`, such as integration, server and API key: shared
  /// by all connections with the same one, in other processes of this user too.
  ///
  /// Meant to be called before each exchange, with the credential at hand; it costs a comparison.
  ///
  /// - Parameter identity: may hold secrets; only a hash of it is kept outside this process.
  package func share(as identity: String) {
    state.withLock { state in
      guard state.identity != identity else { return }
      state.identity = identity
      state.entries = [:]
    }
  }

  // MARK: Reserving

  /// Reserves the next place for a command when `fits` accepts the time it is due.
  package func reserve(
    for command: String, _ quota: RateQuota?,
    if fits: @escaping (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool
  ) -> Reservation {
    guard let entry = entry(of: command, quota) else {
      let now = MonotonicTime.now
      let due = resumption(of: command, now: now)
      // Nothing is counted: there is no place to give back.
      return Self.reservation(
        due, now, isInTime: fits(due, now), RatePlace(bucket: nil, limit: nil, due: due))
    }
    return Self.use(entry.bucket, entry.kept, if: fits) { bucket, now, accepts in
      bucket.reserve(within: entry.kept, now: now, if: accepts)
    }
  }

  /// The time of a place has come. It may have moved meanwhile: tasks wake late, and the vendor may
  /// have asked for a pause. What is too late has been given back.
  package func resume(
    _ place: RatePlace, for command: String, _ quota: RateQuota?,
    if fits: @escaping (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool
  ) -> Reservation {
    guard let bucket = place.bucket, let limit = place.limit else {
      return reserve(for: command, quota, if: fits)
    }
    return Self.use(bucket, limit, if: fits) { bucket, now, accepts in
      bucket.resume(place.due, within: limit, now: now, if: accepts)
    }
  }

  private static func use(
    _ shared: SharedRateBucket, _ limit: RateLimit,
    if fits: @escaping (_ due: MonotonicTime, _ now: MonotonicTime) -> Bool,
    _ body: (inout RateBucket, MonotonicTime, (MonotonicTime) -> Bool) -> MonotonicTime
  ) -> Reservation {
    shared.update { bucket in
      // With the lock in hand: nobody else sends before it.
      let now = MonotonicTime.now
      // Asked once: the deadline comes nearer while one looks.
      var isInTime = false
      let due = body(&bucket, now) { due in
        isInTime = fits(due, now)
        return isInTime
      }
      return reservation(
        due, now, isInTime: isInTime, RatePlace(bucket: shared, limit: limit, due: due))
    }
  }

  private static func reservation(
    _ due: MonotonicTime, _ now: MonotonicTime, isInTime: Bool, _ place: RatePlace
  ) -> Reservation {
    if due <= now && isInTime { return .now(place) }
    let wait = due.milliseconds(since: now)
    return isInTime ? .after(milliseconds: wait, place) : .tooLate(milliseconds: wait)
  }

  /// When the last of so many requests from now on would be due. Reserves nothing.
  package func due(ofNext count: Int, for command: String, _ quota: RateQuota?) -> MonotonicTime {
    guard let entry = entry(of: command, quota) else {
      return resumption(of: command, now: .now)
    }
    // Searched in a copy, so that nobody waits meanwhile.
    let bucket = entry.bucket.update { $0 }
    return bucket.due(ofNext: count, within: entry.kept, now: .now)
  }

  /// Of a command without a limit.
  private func resumption(of command: String, now: MonotonicTime) -> MonotonicTime {
    state.withLock { $0.pauses[command] }?.resumption(now: now) ?? now
  }

  // MARK: Refusals

  /// The vendor refused a request: nothing more is sent from its bucket for a while, whoever shares
  /// it. Where the vendor names no time, the pause doubles with each refusal after the one before,
  /// from a second up to a window, or 8 seconds where that is more.
  ///
  /// - Returns: milliseconds of the pause.
  @discardableResult
  package func refused(_ command: String, _ quota: RateQuota?, retryAfterMilliseconds: Int?) -> Int {
    let (bucket, window) = pausable(command, quota)
    guard let retryAfterMilliseconds else {
      return bucket.backOff(atMost: max(8_000, Int(window * 1_000)))
    }
    bucket.pause(milliseconds: retryAfterMilliseconds)
    return retryAfterMilliseconds
  }

  /// The vendor did not refuse a request.
  package func accepted(_ command: String, _ quota: RateQuota?) {
    let bucket = entry(of: command, quota)?.bucket ?? state.withLock { $0.pauses[command] }
    bucket?.forgetRefusals()
  }

  private func pausable(
    _ command: String, _ quota: RateQuota?
  ) -> (bucket: SharedRateBucket, windowSeconds: Double) {
    if let entry = entry(of: command, quota) { return (entry.bucket, entry.limit.perSeconds) }
    return state.withLock { state in
      let bucket = state.pauses[command] ?? SharedRateBucket()
      state.pauses[command] = bucket
      return (bucket, 0)
    }
  }

  // MARK: Buckets

  private func limit(
    of command: String, _ quota: RateQuota?
  ) -> (bucket: String, limit: RateLimit)? {
    if let limit = limits[command] { return (command, limit) }
    let bucket = quota?.bucket ?? RateQuota.defaultBucket
    return (limits[bucket] ?? quota?.limit).map { (bucket, $0) }
  }

  package func hasLimit(for command: String, _ quota: RateQuota?) -> Bool {
    limit(of: command, quota) != nil
  }

  private func entry(of command: String, _ quota: RateQuota?) -> Entry? {
    guard let (name, limit) = limit(of: command, quota) else { return nil }
    return state.withLock { state in
      if let known = state.entries[name], known.limit == limit { return known }
      let bucket =
        state.entries[name]?.bucket
        ?? state.identity.map { shared.bucket(name, of: $0) } ?? SharedRateBucket()
      let entry = Entry(bucket: bucket, limit: limit)
      state.entries[name] = entry
      return entry
    }
  }

  // MARK: Showing

  /// Writes `[{"bucket","requests","per_seconds","available","resume_in_ms","shared"}]`. Blocks on
  /// nobody who uses the buckets.
  package func write(to writer: inout JSONWriter) {
    let (entries, pauses) = state.withLock { ($0.entries, $0.pauses) }
    writer.array { writer in
      for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
        let (bucket, isOnDisk) = entry.bucket.glance()
        let now = MonotonicTime.now
        let available = bucket.available(within: entry.kept, now: now)
        let wait = bucket.nextDue(within: entry.kept, now: now).milliseconds(since: now)
        writer.object {
          $0.member("bucket", name)
          $0.member("requests", entry.limit.requests)
          $0.name("per_seconds")
          $0.double(entry.limit.perSeconds)
          $0.member("available", available)
          $0.member("resume_in_ms", wait)
          $0.member("shared", isOnDisk)
        }
      }
      let now = MonotonicTime.now
      for (command, bucket) in pauses.sorted(by: { $0.key < $1.key }) {
        let time = bucket.resumption(now: now)
        guard time > now else { continue }
        writer.object {
          $0.member("bucket", command)
          $0.member("available", 0)
          $0.member("resume_in_ms", time.milliseconds(since: now))
          $0.member("shared", false)
        }
      }
    }
  }
}

/// A place in a rate bucket that is waited for.
package struct RatePlace: Sendable {
  /// Nil where nothing is counted, and then there is no limit either.
  fileprivate let bucket: SharedRateBucket?
  fileprivate let limit: RateLimit?
  package let due: MonotonicTime

  /// Gives it back, for whoever comes next.
  package func release() { bucket?.update { $0.release(due) } }
}
