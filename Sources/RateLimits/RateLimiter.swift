import Basics
import HTTP
import JSON
import Synchronization

/// The rate limits of one connection. Their buckets are created on first use.
///
/// The limit of a command is the first of: the connection's for that command, which has a separate
/// bucket; the connection's for the command's bucket; the vendor's documented one; none.
package final class RateLimiter: Sendable {
  /// Milliseconds that a request waits for a limit at most, also with a later deadline: an hour, and
  /// the margin of a window, so that a limit per hour is waited for.
  package static let maximumWaitMilliseconds =
    RetryAfter.maximumMilliseconds + Int(maximumMarginSeconds * 1_000)
  /// Windows are kept longer by this at most.
  private static let maximumMarginSeconds = 0.25

  /// When a request may be sent.
  package enum Turn: Sendable {
    case now(RateReservation)
    case after(milliseconds: Int, RateReservation)
    /// Nothing was reserved.
    case tooLate(milliseconds: Int)
  }

  private struct Entry {
    let bucket: SharedRateBucket
    let limit: RateLimit

    /// The limit with a window that is a twentieth longer, up to the maximum margin: vendors count arrivals, and
    /// requests do not arrive as evenly as they are sent.
    var kept: RateLimit {
      let margin = min(limit.perSeconds / 20, RateLimiter.maximumMarginSeconds)
      return RateLimit(requests: limit.requests, perSeconds: limit.perSeconds + margin)
    }
  }

  private struct State {
    /// The owner of the buckets; nil for this connection.
    var identity: String?
    var entries: [String: Entry] = [:]
    /// Of commands without a limit, after a 429; they keep pauses only.
    var pauses: [String: SharedRateBucket] = [:]
  }

  private let limits: [String: RateLimit]
  private let shared: SharedRateLimits
  private let time: TimeSource
  private let state = Mutex(State())

  package init(
    _ limits: [String: RateLimit], sharedIn shared: SharedRateLimits = .inProcess,
    on time: TimeSource = .system
  ) {
    self.limits = limits
    self.shared = shared
    self.time = time
  }

  /// From now on the limits are those of `identity`, such as integration, server and API key. All
  /// connections with the same identity share them, in other processes of this user too.
  ///
  /// Costs a comparison if nothing changes.
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

  /// Reserves the next request of a command, and waits until it may be sent.
  ///
  /// - Parameters:
  ///   - count: how many requests it counts as.
  ///   - turn: of an earlier `reserve`, to continue with.
  ///   - announced: the time up to which the waiter has announced its waits.
  /// - Returns: the reservation, which counts as sent now unless it is released.
  package func acquire(
    _ command: String, _ quota: RateQuota?, count: Int = 1, continuing turn: Turn? = nil,
    announced: inout MonotonicTime?, for waiter: some RateWaiter
  ) async throws(RateDenial) -> RateReservation {
    var turn = turn
    while true {
      switch turn {
      case nil:
        turn = await reserve(command, quota, count: count, for: waiter)
      case .now(let reservation):
        return reservation
      case .tooLate(let milliseconds):
        throw .tooLate(milliseconds: milliseconds)
      case .after(let milliseconds, let reservation):
        guard waiter.startWait(until: reservation.due) else {
          reservation.release()
          throw .tooLate(milliseconds: milliseconds)
        }
        // A moment longer is no news.
        let isNews = announced.map { reservation.due > $0.adding(milliseconds: 250) } ?? true
        if isNews { announced = reservation.due }
        guard
          await waiter.wait(
            milliseconds: milliseconds, isAnnounced: isNews, endedBy: reservation.pauseEnd)
        else {
          reservation.release()
          throw .cancelled
        }
        turn = await resume(reservation, for: command, quota, for: waiter)
      }
    }
  }

  /// Reserves the next request of a command if its time suits the waiter. Does not wait for it.
  package func reserve(
    _ command: String, _ quota: RateQuota?, count: Int = 1, for waiter: some RateWaiter
  ) async -> Turn {
    guard let entry = entry(of: command, quota) else {
      let pause = state.withLock { $0.pauses[command] }
      let end = pause?.pauseEnd
      let now = time.now
      let due = pause?.resumption(now: now) ?? now
      // Nothing is counted, so that nothing need be released.
      return Self.turn(
        due, now, isInTime: waiter.accepts(due: due, now: now),
        RateReservation(bucket: nil, limit: nil, due: due, count: count, pauseEnd: end))
    }
    // More than a window has would never be due.
    let count = min(count, entry.limit.requests)
    return await use(entry.bucket, entry.kept, count, for: waiter) { bucket, now, accepts in
      bucket.reserve(count, within: entry.kept, now: now, if: accepts)
    }
  }

  /// Called when the time of a reservation has come. It may have moved: tasks wake late, and the
  /// vendor may have asked for a pause. A reservation that is too late is released.
  func resume(
    _ reservation: RateReservation, for command: String, _ quota: RateQuota?,
    for waiter: some RateWaiter
  ) async -> Turn {
    guard let bucket = reservation.bucket, let limit = reservation.limit else {
      return await reserve(command, quota, count: reservation.count, for: waiter)
    }
    let count = reservation.count
    return await use(bucket, limit, count, for: waiter) { bucket, now, accepts in
      bucket.resume(reservation.due, count, within: limit, now: now, if: accepts)
    }
  }

  private func use(
    _ shared: SharedRateBucket, _ limit: RateLimit, _ count: Int, for waiter: some RateWaiter,
    _ body:
      @escaping @Sendable (inout RateBucket, MonotonicTime, (MonotonicTime) -> Bool) ->
      MonotonicTime
  ) async -> Turn {
    let end = shared.pauseEnd
    let start = time.now
    defer { waiter.asked(since: start) }
    return await shared.update(by: waiter.latest) { [time] bucket in
      // Read with the lock: no other request is sent before it.
      let now = time.now
      // Decided once: the deadline comes nearer meanwhile.
      var isInTime = false
      let due = body(&bucket, now) { due in
        isInTime = waiter.accepts(due: due, now: now)
        return isInTime
      }
      return Self.turn(
        due, now, isInTime: isInTime,
        RateReservation(bucket: shared, limit: limit, due: due, count: count, pauseEnd: end))
    }
  }

  private static func turn(
    _ due: MonotonicTime, _ now: MonotonicTime, isInTime: Bool, _ reservation: RateReservation
  ) -> Turn {
    if due <= now && isInTime { return .now(reservation) }
    let wait = due.milliseconds(since: now)
    return isInTime ? .after(milliseconds: wait, reservation) : .tooLate(milliseconds: wait)
  }

  /// When the last of that many requests from now on would be due. Reserves nothing, and waits for no
  /// lock of a file.
  package func due(
    ofNext count: Int, for command: String, _ quota: RateQuota?, by deadline: Deadline
  ) async -> MonotonicTime {
    guard let entry = entry(of: command, quota) else {
      return resumption(of: command, now: time.now)
    }
    let bucket = await entry.bucket.current(by: deadline)
    return bucket.due(ofNext: count, within: entry.kept, now: time.now)
  }

  /// When the pause of a command without a limit is over.
  private func resumption(of command: String, now: MonotonicTime) -> MonotonicTime {
    state.withLock { $0.pauses[command] }?.resumption(now: now) ?? now
  }

  // MARK: Refusals

  /// The vendor refused a request: its bucket pauses, for all that share it. If the vendor names no
  /// time, the pause doubles with each refusal after the previous pause, from a second up to a window,
  /// or 8 seconds if that is more.
  ///
  /// - Returns: the pause.
  @discardableResult
  package func refused(
    _ command: String, _ quota: RateQuota?, _ retryAfter: RetryAfter?, by deadline: Deadline
  ) async -> RatePause {
    let (bucket, window) = pausable(command, quota)
    let end = bucket.pauseEnd
    guard let milliseconds = retryAfter?.milliseconds else {
      let longest = min(max(8_000, Int(window * 1_000)), RetryAfter.maximumMilliseconds)
      return RatePause(
        milliseconds: await bucket.backOff(atMost: longest, by: deadline), end: end)
    }
    await bucket.pause(milliseconds: milliseconds, by: deadline)
    return RatePause(milliseconds: milliseconds, end: end)
  }

  /// The vendor did not refuse a request.
  package func accepted(_ command: String, _ quota: RateQuota?) {
    let bucket = entry(of: command, quota)?.bucket ?? state.withLock { $0.pauses[command] }
    bucket?.forgetRefusals()
  }

  /// Ends the pauses of the connection's buckets, for all that share them, and wakes the requests
  /// that wait for them in this process.
  ///
  /// - Parameter operations: all that the connection may send.
  /// - Returns: how many buckets were paused.
  package func endPauses(
    of operations: [(command: String, quota: RateQuota?)], by deadline: Deadline
  ) async -> Int {
    var buckets: [ObjectIdentifier: SharedRateBucket] = [:]
    for operation in operations {
      guard let bucket = knownBucket(operation.command, operation.quota) else { continue }
      buckets[ObjectIdentifier(bucket)] = bucket
    }
    for bucket in state.withLock({ Array($0.pauses.values) }) {
      buckets[ObjectIdentifier(bucket)] = bucket
    }
    var paused = 0
    for bucket in buckets.values where await bucket.endPause(by: deadline) { paused += 1 }
    return paused
  }

  /// The bucket of a command, unless only this connection could have used it and has not.
  private func knownBucket(_ command: String, _ quota: RateQuota?) -> SharedRateBucket? {
    guard let (name, _) = limit(of: command, quota) else { return nil }
    return state.withLock { state in
      state.entries[name]?.bucket ?? state.identity.map { shared.bucket(name, of: $0) }
    }
  }

  private func pausable(
    _ command: String, _ quota: RateQuota?
  ) -> (bucket: SharedRateBucket, windowSeconds: Double) {
    if let entry = entry(of: command, quota) { return (entry.bucket, entry.limit.perSeconds) }
    return state.withLock { state in
      let bucket = state.pauses[command] ?? SharedRateBucket(on: time)
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

  /// The name of the bucket; that of the command if only a pause is kept for it.
  package func bucket(of command: String, _ quota: RateQuota?) -> String {
    limit(of: command, quota)?.bucket ?? command
  }

  package func hasLimit(for command: String, _ quota: RateQuota?) -> Bool {
    limit(of: command, quota) != nil
  }

  /// Requests of a command that may be sent at once; nil without a limit.
  package func maximumAtOnce(for command: String, _ quota: RateQuota?) -> Int? {
    limit(of: command, quota)?.limit.requests
  }

  private func entry(of command: String, _ quota: RateQuota?) -> Entry? {
    guard let (name, limit) = limit(of: command, quota) else { return nil }
    return state.withLock { state in
      if let known = state.entries[name], known.limit == limit { return known }
      let bucket =
        state.entries[name]?.bucket
        ?? state.identity.map { shared.bucket(name, of: $0) } ?? SharedRateBucket(on: time)
      let entry = Entry(bucket: bucket, limit: limit)
      state.entries[name] = entry
      return entry
    }
  }

  // MARK: Showing

  /// Writes `[{"bucket","requests","per_seconds","available","resume_in_ms","shared"}]`. Waits for
  /// no lock of a file.
  package func write(to writer: inout JSONWriter) {
    let (entries, pauses) = state.withLock { ($0.entries, $0.pauses) }
    writer.array { writer in
      for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
        let (bucket, isOnDisk) = entry.bucket.snapshot()
        let now = time.now
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
      let now = time.now
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
