import Basics
import HTTP
import JSON
import TestSupport
import Testing

@testable import RateLimits

private let far = Deadline(inMilliseconds: 600_000)

@Suite struct RateLimiterTests {
  /// As long that no test outlives a window.
  private static let hour: Double = 3_600

  /// What a reservation says, in minutes: windows are kept a little longer.
  private func reserve(
    _ limiter: RateLimiter, _ command: String, default quota: RateQuota? = nil,
    waitingAtMost milliseconds: Int = 86_400_000
  ) async -> String {
    let waiter = TestWaiter { due, now in due.milliseconds(since: now) <= milliseconds }
    return switch await limiter.reserve(command, quota, for: waiter) {
    case .now: "now"
    case .after(let milliseconds, _): "after \((milliseconds + 30_000) / 60_000) min"
    case .tooLate(let milliseconds): "too late: \((milliseconds + 30_000) / 60_000) min"
    }
  }

  /// How many of ten requests may be sent at once.
  private func burst(_ limiter: RateLimiter, _ command: String, _ quota: RateQuota? = nil)
    async -> Int
  {
    var count = 0
    for _ in 0..<10
    where await reserve(limiter, command, default: quota, waitingAtMost: 0) == "now" { count += 1 }
    return count
  }

  @Test func `a command's limit is that of the command, of its bucket, or the documented one`()
    async
  {
    let limiter = RateLimiter([
      "list_devices": RateLimit(requests: 2, perSeconds: Self.hour),
      "default": RateLimit(requests: 3, perSeconds: Self.hour),
      "tasks": RateLimit(requests: 4, perSeconds: Self.hour),
    ])
    let tasks = RateQuota("tasks", RateLimit(requests: 9, perSeconds: Self.hour))
    let reports = RateQuota("reports", RateLimit(requests: 5, perSeconds: Self.hour))
    #expect(await burst(limiter, "list_devices", tasks) == 2)
    // One bucket for all commands that declare none.
    #expect(await burst(limiter, "list_tenants") == 3)
    #expect(await burst(limiter, "list_scanners") == 0)
    #expect(await burst(limiter, "scan", tasks) == 4)
    #expect(await burst(limiter, "isolate", tasks) == 0, "one bucket for all that declare it")
    #expect(await burst(limiter, "get_report", reports) == 5, "as documented")
    #expect(await burst(limiter, "list_reports", reports) == 0)
  }

  @Test func `without limits nothing is delayed`() async {
    #expect(await burst(RateLimiter([:]), "list_scanners") == 10)
  }

  @Test func `a request that does not fit reserves nothing`() async {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: Self.hour)])
    #expect(await reserve(limiter, "a") == "now")
    for _ in 0..<3 {
      #expect(await reserve(limiter, "a", waitingAtMost: 1_000) == "too late: 60 min")
    }
    #expect(await reserve(limiter, "a") == "after 60 min")
    #expect(await reserve(limiter, "a") == "after 120 min")
  }

  @Test func `the time of many requests is computed without reserving`() async {
    let limiter = RateLimiter(["default": RateLimit(requests: 2, perSeconds: Self.hour)])
    var hours: [Int] = []
    for count in 1...5 {
      let due = await limiter.due(ofNext: count, for: "a", nil, by: far)
      hours.append((max(0, due.milliseconds(since: .now)) + 1_800_000) / 3_600_000)
    }
    #expect(hours == [0, 0, 1, 1, 2])
    #expect(await burst(limiter, "a") == 2)
  }

  @Test func `a released reservation goes to the next request`() async throws {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: Self.hour)])
    #expect(await reserve(limiter, "a") == "now")
    guard case .after(_, let place) = await limiter.reserve("a", nil, for: TestWaiter.patient)
    else {
      Issue.record("the limit was reached")
      return
    }
    #expect(await reserve(limiter, "a") == "after 120 min")
    place.release()
    #expect(await reserve(limiter, "a") == "after 60 min")
  }

  @Test func `a reservation moves with a pause, and is released when that is too late`()
    async throws
  {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: 0.02)])
    func place() async throws -> RateReservation {
      while true {
        if case .after(_, let place) = await limiter.reserve("a", nil, for: TestWaiter.patient) {
          return place
        }
      }
    }
    let (first, second) = (try await place(), try await place())
    await limiter.refused("a", nil, RetryAfter(milliseconds: 60_000), by: far)
    guard
      case .after(let wait, let moved) = await limiter.resume(
        first, for: "a", nil, for: TestWaiter.patient)
    else {
      Issue.record("there is a pause")
      return
    }
    #expect((50_000...60_000).contains(wait) && moved.due > second.due)
    guard
      case .tooLate = await limiter.resume(second, for: "a", nil, for: TestWaiter { _, _ in false })
    else {
      Issue.record("it was refused")
      return
    }
    let due = await limiter.due(ofNext: 1, for: "a", nil, by: far)
    #expect(due.nanoseconds - moved.due.nanoseconds == 21_000_000, "right behind the first")
  }

  @Test func `a reservation without a limit moves with a pause too`() async throws {
    let limiter = RateLimiter([:])
    await limiter.refused("a", nil, RetryAfter(milliseconds: 60_000), by: far)
    guard case .after(_, let place) = await limiter.reserve("a", nil, for: TestWaiter.patient)
    else {
      Issue.record("there is a pause")
      return
    }
    await limiter.refused("a", nil, RetryAfter(milliseconds: 600_000), by: far)
    guard
      case .after(let wait, _) = await limiter.resume(place, for: "a", nil, for: TestWaiter.patient)
    else {
      Issue.record("the pause is longer now")
      return
    }
    #expect(wait > 500_000)
  }

  @Test func `the end of a pause wakes the requests that wait for it`() async throws {
    let operations = ["a", "b"].map { (command: $0, quota: RateQuota?.none) }
    let limited = ["default": RateLimit(requests: 2, perSeconds: 100)]
    for limits in [limited, [:]] {
      let clock = TestClock()
      let limiter = RateLimiter(limits, on: clock.source)
      await limiter.refused("a", nil, RetryAfter(milliseconds: 3_000_000), by: far)
      let waiter = TestWaiter(milliseconds: 3_500_000, on: clock)
      let waiting = Task {
        var announced: MonotonicTime?
        let turn = try await limiter.acquire("a", nil, announced: &announced, for: waiter)
        return (turn.due, clock.elapsed)
      }
      #expect(await clock.nextPause(in: 2_900_000...3_000_000) != nil)
      #expect(await limiter.endPauses(of: operations, by: far) == 1)
      let (due, elapsed) = try await waiting.value
      #expect(due <= clock.now && elapsed == 0)
      #expect(clock.pauses.isEmpty)
      #expect(await limiter.endPauses(of: operations, by: far) == 0)
    }
  }

  @Test func `a pause that ended before its wait began is not waited for`() async {
    let clock = TestClock()
    let limiter = RateLimiter([:], on: clock.source)
    let pause = await limiter.refused("a", nil, RetryAfter(milliseconds: 3_000_000), by: far)
    #expect(await limiter.endPauses(of: [], by: far) == 1)
    await pause.end?.wait(milliseconds: pause.milliseconds, on: clock.source)
    #expect(clock.elapsed == 0)
  }

  @Test func `a pause is an hour at most, also of refusals that name no time`() async {
    let clock = TestClock()
    let limiter = RateLimiter(
      ["default": RateLimit(requests: 5, perSeconds: 31_536_000)], on: clock.source)
    for _ in 0..<40 {
      let pause = await limiter.refused("a", nil, nil, by: far)
      #expect(pause.milliseconds <= 3_600_000)
      clock.advance(milliseconds: pause.milliseconds)
    }
    #expect(await limiter.refused("a", nil, nil, by: far).milliseconds == 3_600_000)
  }

  @Test func `a pause applies to the bucket, with a limit and without`() async {
    let limiter = RateLimiter(["default": RateLimit(requests: 5, perSeconds: Self.hour)])
    let unlimited = RateLimiter([:])
    for limiter in [limiter, unlimited] {
      await limiter.refused("a", nil, RetryAfter(milliseconds: 120_000), by: far)
      await limiter.refused("a", nil, RetryAfter(milliseconds: 10_000), by: far)
      #expect(await reserve(limiter, "a", waitingAtMost: 1_000) == "too late: 2 min")
    }
    #expect(await burst(limiter, "b") == 0, "one bucket")
    #expect(await burst(unlimited, "b") == 10, "a separate pause")
  }

  @Test func `refusals that name no time pause longer and longer, each wave once`() async {
    let limited = RateLimiter(["default": RateLimit(requests: 5, perSeconds: 20)])
    for limiter in [limited, RateLimiter([:])] {
      #expect(await limiter.refused("a", nil, nil, by: far).milliseconds == 1_000)
      let shared = await limiter.refused("a", nil, nil, by: far)
      #expect((1...1_000).contains(shared.milliseconds), "of the same wave")
      #expect(await reserve(limiter, "a", waitingAtMost: 0) != "now")
    }
    #expect(await burst(limited, "b") == 0, "one bucket")
  }

  @Test func `two commands share a window, and the second waits for its end`() async throws {
    let clock = TestClock()
    let limiter = RateLimiter(
      ["default": RateLimit(requests: 2, perSeconds: 10)], on: clock.source)
    var announced: MonotonicTime?
    for command in ["a", "b"] {
      let waiter = TestWaiter(milliseconds: 60_000, on: clock)
      _ = try await limiter.acquire(command, nil, announced: &announced, for: waiter)
    }
    let waiter = TestWaiter(milliseconds: 60_000, on: clock)
    let third = Task {
      var announced: MonotonicTime?
      _ = try await limiter.acquire("a", nil, announced: &announced, for: waiter)
      return clock.elapsed
    }
    // The window with its margin of 250 ms.
    #expect(await clock.nextPause(in: 10_250...10_250) != nil)
    clock.advance(milliseconds: 10_249)
    #expect(clock.pauses == [1])
    clock.advance(milliseconds: 1)
    #expect(try await third.value == 10_250)
    #expect(waiter.waits.withLock { $0.map(\.isAnnounced) } == [true])
  }

  @Test func `a wait beyond the deadline fails fast`() async {
    let clock = TestClock()
    let limiter = RateLimiter(
      ["default": RateLimit(requests: 1, perSeconds: 10)], on: clock.source)
    var announced: MonotonicTime?
    let waiter = TestWaiter(milliseconds: 5_000, on: clock)
    _ = try? await limiter.acquire("a", nil, announced: &announced, for: waiter)
    do throws(RateDenial) {
      _ = try await limiter.acquire("a", nil, announced: &announced, for: waiter)
      Issue.record("the next request is due after 10 s")
    } catch {
      guard case .tooLate(10_250) = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(clock.elapsed == 0)
  }

  @Test func `a cancelled wait releases its reservation`() async throws {
    let clock = TestClock()
    let limiter = RateLimiter(
      ["default": RateLimit(requests: 1, perSeconds: 10)], on: clock.source)
    var announced: MonotonicTime?
    let waiter = TestWaiter(milliseconds: 60_000, on: clock)
    _ = try await limiter.acquire("a", nil, announced: &announced, for: waiter)
    let cancelled = Task {
      var announced: MonotonicTime?
      _ = try await limiter.acquire("a", nil, announced: &announced, for: waiter)
    }
    #expect(await clock.nextPause(in: 10_250...10_250) != nil)
    cancelled.cancel()
    await #expect(throws: RateDenial.self) { try await cancelled.value }
    let due = await limiter.due(ofNext: 1, for: "a", nil, by: waiter.latest)
    #expect(due.milliseconds(since: clock.now) == 10_250)
  }

  @Test func `limits are shown`() async throws {
    let limiter = RateLimiter(["default": RateLimit(requests: 3, perSeconds: Self.hour)])
    func shown() -> JSON { JSONFragment { limiter.write(to: &$0) }.json }
    #expect(shown().count == 0)
    _ = await reserve(limiter, "a")
    let bucket = try #require(shown()[0])
    #expect(bucket["bucket"]?.string == "default")
    #expect(bucket["requests"]?.integer == 3)
    #expect(bucket["per_seconds"]?.double == 3_600)
    #expect(bucket["available"]?.integer == 2)
    #expect(bucket["resume_in_ms"]?.integer == 0)
    #expect(bucket["shared"]?.bool == false)

    let unlimited = RateLimiter([:])
    await unlimited.refused("z", nil, RetryAfter(milliseconds: 60_000), by: far)
    await unlimited.refused("past", nil, RetryAfter(milliseconds: -1), by: far)
    let pauses = JSONFragment { unlimited.write(to: &$0) }.json
    #expect(pauses.elements.map { $0["bucket"]?.string } == ["z"])
    #expect(pauses[0]?["available"]?.integer == 0)
  }
}
