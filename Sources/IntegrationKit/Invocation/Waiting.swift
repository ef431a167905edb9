import Basics
import HTTP
import RateLimits

/// Waiting, for rate limits and before further attempts, within the deadline.
extension Invocation {
  /// What is left of the time for the work.
  public var remainingMilliseconds: Int { deadline.current.remainingMilliseconds }

  /// Whether a rate limit can be waited for until `time`; the deadline then leaves room for the work
  /// after it.
  func canWait(until time: MonotonicTime, now: MonotonicTime = .now) -> Bool {
    guard deadline.allows(waitUntil: time, now: now), mayWait(time) else { return false }
    deadline.move(pastWaitUntil: time)
    return true
  }

  func canWait(milliseconds: Int) -> Bool {
    let now = MonotonicTime.now
    return canWait(until: now.adding(milliseconds: milliseconds), now: now)
  }

  /// Fails at once when the last of so many requests would be due after the deadline, so that a
  /// command of many requests does not stop half-way. Reserves nothing.
  public func expectRoom(forRequests count: Int) throws(CommandError) {
    let due = connection.limiter.due(ofNext: count, for: commandID, command.rateLimit)
    let now = MonotonicTime.now
    guard deadline.allows(waitUntil: due, now: now) else {
      throw tooLate(milliseconds: due.milliseconds(since: now), requests: count)
    }
  }

  func takeSlot() async throws(CommandError) {
    guard connection.slots.areLimited else { return }
    // Those in front may wait for the rate limit, which then is waited for here too.
    let isBehindLimit =
      !deadline.isGiven && connection.limiter.hasLimit(for: commandID, command.rateLimit)
    let latest =
      isBehindLimit
      ? Deadline(inMilliseconds: RateLimiter.maximumWaitMilliseconds) : deadline.current
    let start = MonotonicTime.now
    guard await connection.slots.acquireIfLimited(until: latest) else {
      throw stopped("Waiting for a free place on the connection", outcome: .notApplied)
    }
    let now = MonotonicTime.now
    if isBehindLimit && now.milliseconds(since: start) > 1 { deadline.move(pastWaitUntil: now) }
  }

  /// Waits for the rate limit and then for a slot, and never holds one while it waits for the other:
  /// who waits for the limit must not keep others, whose limits are free, from sending, and who waits
  /// for a slot must not count as sent.
  ///
  /// - Returns: the place, which counts as sent now unless it is released.
  func takePlaceAndSlot() async throws(CommandError) -> RatePlace {
    let limiter = connection.limiter
    let fits = { (due: MonotonicTime, now: MonotonicTime) in
      self.deadline.allows(waitUntil: due, now: now)
    }
    var reserved = limiter.reserve(for: commandID, command.rateLimit, if: fits)
    var announced: MonotonicTime?
    while true {
      switch reserved {
      case .tooLate(let milliseconds): throw tooLate(milliseconds: milliseconds)
      case .now(let place):
        if connection.slots.tryAcquireIfLimited() { return place }
        place.release()
        try await takeSlot()
        reserved = limiter.reserve(for: commandID, command.rateLimit, if: fits)
        if case .now(let place) = reserved { return place }
        connection.slots.releaseIfLimited()
      case .after(let milliseconds, let place):
        guard canWait(until: place.due) else {
          place.release()
          throw tooLate(milliseconds: milliseconds)
        }
        // That it takes a moment longer is no news.
        let isNews = announced.map { place.due > $0.adding(milliseconds: 250) } ?? true
        if isNews { announced = place.due }
        do throws(CommandError) {
          try await wait(milliseconds: milliseconds, reason: isNews ? "rate_limited" : nil)
        } catch {
          place.release()
          throw error
        }
        reserved = limiter.resume(place, for: commandID, command.rateLimit, if: fits)
      }
    }
  }

  func tooLate(milliseconds: Int, requests: Int = 1) -> CommandError {
    let what = requests == 1 ? "next request" : "last of \(requests) requests"
    return CommandError(
      .rateLimited,
      "The rate limit allows the \(what) in \(milliseconds) ms, after the deadline.",
      isRetryable: true, retryAfterMilliseconds: milliseconds,
      remedy: "Try again then, or raise options.timeout_ms.")
  }

  /// Holds back what the same limit holds for, since the vendor refused a part of a request that it
  /// took otherwise; for whole requests `send` does that.
  public func holdBack(after refusal: RateRefusal) {
    connection.limiter.refused(
      commandID, command.rateLimit, retryAfterMilliseconds: refusal.retryAfterMilliseconds)
  }

  /// - Parameter reason: nil for what the caller need not be told.
  func wait(milliseconds: Int, reason: String?) async throws(CommandError) {
    if milliseconds > 0, let reason {
      await events?.waiting(
        reason: reason, resumeAtMilliseconds: WallClock.nowMilliseconds + Int64(milliseconds))
    }
    let start = MonotonicTime.now
    await Task.pause(milliseconds: milliseconds)
    noteWait(milliseconds: MonotonicTime.now.milliseconds(since: start))
    if Task.isCancelled { throw .cancelled(outcome: .notApplied) }
  }

  /// For work that neither sends nor waits, between its pieces.
  ///
  /// - Throws: when the time is over, or nobody wants the result any more.
  public func checkTime(for what: String) throws(CommandError) {
    guard !Task.isCancelled, remainingMilliseconds > 0 else {
      throw stopped(what, outcome: .notApplied)
    }
  }

  /// The error of a wait that ended without what it waited for.
  public func stopped(_ what: String, outcome: CommandError.Outcome) -> CommandError {
    Task.isCancelled ? .cancelled(outcome: outcome) : .timeout(what, outcome: outcome)
  }
}
