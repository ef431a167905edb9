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
  package func expectRoom(forRequests count: Int) throws(CommandError) {
    let due = channel.limiter.due(ofNext: count, for: operation.id, operation.quota)
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
  /// - Returns: the reservation, which counts as sent now unless it is released.
  func acquireRateAndConcurrency() async throws(CommandError) -> RatePlace {
    let limiter = channel.limiter
    let fits = { (due: MonotonicTime, now: MonotonicTime) in
      self.deadline.allows(waitUntil: due, now: now)
    }
    var reserved = limiter.reserve(for: operation.id, operation.quota, if: fits)
    var announced: MonotonicTime?
    while true {
      switch reserved {
      case .tooLate(let milliseconds): throw rateLimited(milliseconds: milliseconds)
      case .now(let place):
        if channel.concurrency.tryAcquire() { return place }
        place.release()
        try await acquireSlot()
        reserved = limiter.reserve(for: operation.id, operation.quota, if: fits)
        if case .now(let place) = reserved { return place }
        channel.concurrency.release()
      case .after(let milliseconds, let place):
        guard canWait(until: place.due, now: time.now) else {
          place.release()
          throw rateLimited(milliseconds: milliseconds)
        }
        // A moment longer is no news.
        let isNews = announced.map { place.due > $0.adding(milliseconds: 250) } ?? true
        if isNews { announced = place.due }
        do throws(CommandError) {
          try await wait(milliseconds: milliseconds, reason: isNews ? "rate_limited" : nil)
        } catch {
          place.release()
          throw error
        }
        reserved = limiter.resume(place, for: operation.id, operation.quota, if: fits)
      }
    }
  }

  func rateLimited(milliseconds: Int, requests: Int = 1) -> CommandError {
    let what = requests == 1 ? "next request" : "last of \(requests) requests"
    return CommandError(
      .rateLimited,
      "The rate limit allows the \(what) in \(milliseconds) ms, after the deadline.",
      isRetryable: true, retryAfterMilliseconds: milliseconds,
      remedy: "Try again then, or raise options.timeout_ms.")
  }

  /// - Parameter reason: of the notification; nil for none.
  func wait(milliseconds: Int, reason: String?) async throws(CommandError) {
    if milliseconds > 0, let reason {
      await notifyWait?(reason, time.wallMilliseconds + Int64(milliseconds))
    }
    let start = time.now
    await time.pause(milliseconds: milliseconds)
    countWait(milliseconds: time.now.milliseconds(since: start))
    if Task.isCancelled { throw .cancelled(outcome: .notApplied) }
  }

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
