import Basics
import RateLimits

/// Waits for rate limits, slots and back-offs, within the deadline.
extension Sender {
  /// Milliseconds of work left.
  package var remainingMilliseconds: Int { time.milliseconds(until: deadline.current) }

  /// Whether the deadline leaves room for a wait for a rate limit until `time`; it moves if so.
  func canWait(until time: MonotonicTime, now: MonotonicTime) -> Bool {
    guard deadline.allows(waitUntil: time, now: now), mayWait?(time) ?? true else { return false }
    deadline.extend(pastWaitUntil: time)
    return true
  }

  func canWait(milliseconds: Int) -> Bool {
    let now = time.now
    return canWait(until: now.adding(milliseconds: milliseconds), now: now)
  }

  /// Grants the whole time for the work that is still to come, unless the caller gave a deadline.
  package func extendDeadline() { deadline.extend(pastWaitUntil: time.now) }

  /// Fails fast if the last of that many requests would be due after the deadline, so that a command
  /// of many requests does not stop half-way. Reserves nothing.
  package func expectRoom(forRequests count: Int) async throws(CommandError) {
    let due = await channel.limiter.due(
      ofNext: count, for: operation.id, operation.quota, by: deadline.current)
    let now = time.now
    guard deadline.allows(waitUntil: due, now: now) else {
      throw rateLimited(milliseconds: due.milliseconds(since: now), requests: count)
    }
  }

  private func acquireSlot() async throws(CommandError) {
    guard channel.concurrency.isLimited else { return }
    // Requests that hold the slots may wait for the rate limit, which is waited for here too then.
    let isBehindLimit =
      !deadline.isGiven && channel.limiter.hasLimit(for: operation.id, operation.quota)
    let latest =
      isBehindLimit
      ? time.deadline(inMilliseconds: RateLimiter.maximumWaitMilliseconds) : deadline.current
    let start = time.now
    defer { observe(.queue, since: start) }
    guard await channel.concurrency.acquire(until: latest, on: time) else {
      throw stopped("Waiting for a concurrency slot of the connection", outcome: .notApplied)
    }
    let now = time.now
    if isBehindLimit && now.milliseconds(since: start) > 1 { deadline.extend(pastWaitUntil: now) }
  }

  /// Waits for the rate limit and then for a slot, and holds neither while it waits for the other: a
  /// request that waits for its limit must not block others whose limits are free, and one that waits
  /// for a slot must not count as sent.
  ///
  /// - Parameter count: how many requests it counts as.
  /// - Returns: the reservation, which counts as sent now unless it is released.
  func acquireRateAndConcurrency(_ count: Int) async throws(CommandError) -> RateReservation {
    let limiter = channel.limiter
    var turn: RateLimiter.Turn?
    var announced: MonotonicTime?
    while true {
      let reservation: RateReservation
      do throws(RateDenial) {
        reservation = try await limiter.acquire(
          operation.id, operation.quota, count: count, continuing: turn, announced: &announced,
          for: self)
      } catch {
        switch error {
        case .tooLate(let milliseconds): throw rateLimited(milliseconds: milliseconds)
        case .cancelled: throw .cancelled(outcome: .notApplied)
        }
      }
      if channel.concurrency.tryAcquire() { return reservation }
      reservation.release()
      try await acquireSlot()
      turn = await limiter.reserve(operation.id, operation.quota, count: count, for: self)
      if case .now(let reservation) = turn { return reservation }
      channel.concurrency.release()
    }
  }

  func rateLimited(milliseconds: Int, requests: Int = 1) -> CommandError {
    let what = requests == 1 ? "next request" : "last of \(requests) requests"
    let isFar = milliseconds > RateLimiter.maximumWaitMilliseconds
    return CommandError(
      .rateLimited,
      "The rate limit allows the \(what) in \(milliseconds) ms, "
        + (isFar ? "and a wait lasts an hour at most." : "after the deadline."),
      isRetryable: true, retryAfterMilliseconds: milliseconds,
      remedy: isFar
        ? requests == 1 ? "Try again then." : "Pass fewer at a time, or try again then."
        : "Try again then, or raise options.timeout_ms.")
  }

  /// - Parameters:
  ///   - isRateLimit: whether it waits for a rate limit; otherwise it backs off.
  ///   - isAnnounced: whether the caller gets a notification of it.
  ///   - end: ends the wait early; nil for nothing.
  /// - Returns: false if the task was cancelled.
  func wait(
    milliseconds: Int, isRateLimit: Bool, isAnnounced: Bool = true,
    endedBy end: RatePauseEnd? = nil
  ) async -> Bool {
    let start = time.now
    if isRateLimit { observer?.waitsForRateLimit() }
    if milliseconds > 0, isAnnounced {
      await notifyWait?(
        isRateLimit ? "rate_limited" : "retry", time.wallMilliseconds + Int64(milliseconds))
    }
    if let end {
      await end.wait(milliseconds: milliseconds, on: time)
    } else {
      await time.pause(milliseconds: milliseconds)
    }
    countWait(milliseconds: time.now.milliseconds(since: start))
    observe(isRateLimit ? .rateLimit(bucket: rateBucket) : .backOff, since: start)
    return !Task.isCancelled
  }

  private var rateBucket: String { channel.limiter.bucket(of: operation.id, operation.quota) }

  /// Fails after the deadline or a cancellation; for work that neither sends nor waits.
  package func checkTime(for what: String) throws(CommandError) {
    guard !Task.isCancelled, remainingMilliseconds > 0 else {
      throw stopped(what, outcome: .notApplied)
    }
  }

  /// The error of a wait that ended without a result.
  package func stopped(_ what: String, outcome: CommandError.Outcome) -> CommandError {
    Task.isCancelled ? .cancelled(outcome: outcome) : .timeout(what, outcome: outcome)
  }
}

extension Sender: RateWaiter {
  package var latest: Deadline { deadline.current }

  package func accepts(due: MonotonicTime, now: MonotonicTime) -> Bool {
    deadline.allows(waitUntil: due, now: now)
  }

  package func asked(since start: MonotonicTime) {
    guard isLong(since: start) else { return }
    observer?.waitsForRateLimit()
    observe(.rateLimit(bucket: rateBucket), since: start)
  }

  package func startWait(until time: MonotonicTime) -> Bool {
    canWait(until: time, now: self.time.now)
  }

  package func wait(
    milliseconds: Int, isAnnounced: Bool, endedBy end: RatePauseEnd?
  ) async -> Bool {
    await wait(
      milliseconds: milliseconds, isRateLimit: true, isAnnounced: isAnnounced, endedBy: end)
  }
}
