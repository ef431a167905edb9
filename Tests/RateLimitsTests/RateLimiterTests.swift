import Basics
import JSON
import Testing

@testable import RateLimits

@Suite struct RateLimiterTests {
  /// As long that no test outlives a window.
  private static let hour: Double = 3_600

  /// What a reservation says, in minutes: windows are kept a little longer.
  private func reserve(
    _ limiter: RateLimiter, _ command: String, default quota: RateQuota? = nil,
    waitingAtMost milliseconds: Int = 86_400_000
  ) -> String {
    let reservation = limiter.reserve(for: command, quota) { due, now in
      due.milliseconds(since: now) <= milliseconds
    }
    return switch reservation {
    case .now: "now"
    case .after(let milliseconds, _): "after \((milliseconds + 30_000) / 60_000) min"
    case .tooLate(let milliseconds): "too late: \((milliseconds + 30_000) / 60_000) min"
    }
  }

  /// How many of ten requests may be sent at once.
  private func burst(_ limiter: RateLimiter, _ command: String, _ quota: RateQuota? = nil)
    -> Int
  {
    (0..<10).count { _ in
      reserve(limiter, command, default: quota, waitingAtMost: 0) == "now"
    }
  }

  @Test func `a command's limit is its own, its bucket's, or the documented one`() {
    let limiter = RateLimiter([
      "list_devices": RateLimit(requests: 2, perSeconds: Self.hour),
      "default": RateLimit(requests: 3, perSeconds: Self.hour),
      "tasks": RateLimit(requests: 4, perSeconds: Self.hour),
    ])
    let tasks = RateQuota("tasks", RateLimit(requests: 9, perSeconds: Self.hour))
    let reports = RateQuota("reports", RateLimit(requests: 5, perSeconds: Self.hour))
    #expect(burst(limiter, "list_devices", tasks) == 2)
    // One bucket for all commands that declare none.
    #expect(burst(limiter, "list_tenants") == 3)
    #expect(burst(limiter, "list_scanners") == 0)
    #expect(burst(limiter, "scan", tasks) == 4)
    #expect(burst(limiter, "isolate", tasks) == 0, "one bucket for all that declare it")
    #expect(burst(limiter, "get_report", reports) == 5, "as documented")
    #expect(burst(limiter, "list_reports", reports) == 0)
  }

  @Test func `without limits nothing is held back`() {
    #expect(burst(RateLimiter([:]), "list_scanners") == 10)
  }

  @Test func `what does not fit reserves nothing`() {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: Self.hour)])
    #expect(reserve(limiter, "a") == "now")
    for _ in 0..<3 {
      #expect(reserve(limiter, "a", waitingAtMost: 1_000) == "too late: 60 min")
    }
    #expect(reserve(limiter, "a") == "after 60 min")
    #expect(reserve(limiter, "a") == "after 120 min")
  }

  @Test func `what many requests would wait for is told without reserving`() {
    let limiter = RateLimiter(["default": RateLimit(requests: 2, perSeconds: Self.hour)])
    func hours(_ count: Int) -> Int {
      let wait = limiter.due(ofNext: count, for: "a", nil).milliseconds(since: .now)
      return (max(0, wait) + 1_800_000) / 3_600_000
    }
    #expect([1, 2, 3, 4, 5].map(hours) == [0, 0, 1, 1, 2])
    #expect(burst(limiter, "a") == 2)
  }

  @Test func `a place that is given back is the next one's`() throws {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: Self.hour)])
    #expect(reserve(limiter, "a") == "now")
    guard case .after(_, let place) = limiter.reserve(for: "a", nil, if: { _, _ in true }) else {
      Issue.record("the limit was reached")
      return
    }
    #expect(reserve(limiter, "a") == "after 120 min")
    place.release()
    #expect(reserve(limiter, "a") == "after 60 min")
  }

  @Test func `a place moves with a pause, and is given back when that is too late`() throws {
    let limiter = RateLimiter(["default": RateLimit(requests: 1, perSeconds: 0.02)])
    func place() throws -> RatePlace {
      while true {
        if case .after(_, let place) = limiter.reserve(for: "a", nil, if: { _, _ in true }) {
          return place
        }
      }
    }
    let (first, second) = (try place(), try place())
    limiter.refused("a", nil, retryAfterMilliseconds: 60_000)
    guard
      case .after(let wait, let moved) = limiter.resume(first, for: "a", nil, if: { _, _ in true })
    else {
      Issue.record("there is a pause")
      return
    }
    #expect((50_000...60_000).contains(wait) && moved.due > second.due)
    guard case .tooLate = limiter.resume(second, for: "a", nil, if: { _, _ in false }) else {
      Issue.record("it was refused")
      return
    }
    let due = limiter.due(ofNext: 1, for: "a", nil)
    #expect(due.nanoseconds - moved.due.nanoseconds == 21_000_000, "right behind the first")
  }

  @Test func `a place without a limit moves with a pause too`() throws {
    let limiter = RateLimiter([:])
    limiter.refused("a", nil, retryAfterMilliseconds: 60_000)
    guard case .after(_, let place) = limiter.reserve(for: "a", nil, if: { _, _ in true }) else {
      Issue.record("there is a pause")
      return
    }
    limiter.refused("a", nil, retryAfterMilliseconds: 600_000)
    guard case .after(let wait, _) = limiter.resume(place, for: "a", nil, if: { _, _ in true })
    else {
      Issue.record("the pause is longer now")
      return
    }
    #expect(wait > 500_000)
  }

  @Test func `a pause holds for the bucket, with a limit and without`() {
    let limiter = RateLimiter(["default": RateLimit(requests: 5, perSeconds: Self.hour)])
    let unlimited = RateLimiter([:])
    for limiter in [limiter, unlimited] {
      limiter.refused("a", nil, retryAfterMilliseconds: 120_000)
      limiter.refused("a", nil, retryAfterMilliseconds: 10_000)
      #expect(reserve(limiter, "a", waitingAtMost: 1_000) == "too late: 2 min")
    }
    #expect(burst(limiter, "b") == 0, "one bucket")
    #expect(burst(unlimited, "b") == 10, "a pause of its own")
  }

  @Test func `refusals that name no time pause longer and longer, each wave once`() {
    let limited = RateLimiter(["default": RateLimit(requests: 5, perSeconds: 20)])
    for limiter in [limited, RateLimiter([:])] {
      #expect(limiter.refused("a", nil, retryAfterMilliseconds: nil) == 1_000)
      let shared = limiter.refused("a", nil, retryAfterMilliseconds: nil)
      #expect((1...1_000).contains(shared), "of the same wave")
      #expect(reserve(limiter, "a", waitingAtMost: 0) != "now")
    }
    #expect(burst(limited, "b") == 0, "one bucket")
  }

  @Test func `limits are shown`() throws {
    let limiter = RateLimiter(["default": RateLimit(requests: 3, perSeconds: Self.hour)])
    func shown() -> JSON { JSONFragment { limiter.write(to: &$0) }.json }
    #expect(shown().count == 0)
    _ = reserve(limiter, "a")
    let bucket = try #require(shown()[0])
    #expect(bucket["bucket"]?.string == "default")
    #expect(bucket["requests"]?.integer == 3)
    #expect(bucket["per_seconds"]?.double == 3_600)
    #expect(bucket["available"]?.integer == 2)
    #expect(bucket["resume_in_ms"]?.integer == 0)
    #expect(bucket["shared"]?.bool == false)

    let unlimited = RateLimiter([:])
    unlimited.refused("z", nil, retryAfterMilliseconds: 60_000)
    unlimited.refused("past", nil, retryAfterMilliseconds: -1)
    let pauses = JSONFragment { unlimited.write(to: &$0) }.json
    #expect(pauses.elements.map { $0["bucket"]?.string } == ["z"])
    #expect(pauses[0]?["available"]?.integer == 0)
  }
}
