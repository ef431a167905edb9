import Basics
import HTTP
import Testing

@testable import Plugin

@Suite struct RateLimiterTests {
  /// As long that no test outlives a window.
  private static let hour: Double = 3_600

  /// What a reservation says, in minutes rounded up.
  private func reserve(
    _ limiter: RateLimiter, _ command: String, default documented: RateLimit? = nil,
    waitingAtMost milliseconds: Int = 86_400_000
  ) -> String {
    let reservation = limiter.reserve(for: command, default: documented) { due, now in
      due.milliseconds(since: now) <= milliseconds
    }
    return switch reservation {
    case .now: "now"
    case .after(let milliseconds): "after \((milliseconds + 59_999) / 60_000) min"
    case .tooLate(let milliseconds): "too late: \((milliseconds + 59_999) / 60_000) min"
    }
  }

  /// How many of ten requests may be sent at once.
  private func burst(_ limiter: RateLimiter, _ command: String, _ documented: RateLimit? = nil)
    -> Int
  {
    (0..<10).count { _ in
      reserve(limiter, command, default: documented, waitingAtMost: 0) == "now"
    }
  }

  @Test func `a command's limit is its own, the connection's, or the documented one`() {
    let own = RateLimiter([
      "list_devices": RateLimit(requests: 2, perSeconds: Self.hour),
      "default": RateLimit(requests: 3, perSeconds: Self.hour),
    ])
    let documented = RateLimit(requests: 5, perSeconds: Self.hour)
    #expect(burst(own, "list_devices", documented) == 2)
    // One bucket for all commands without a limit of their own.
    #expect(burst(own, "list_tenants", documented) == 3)
    #expect(burst(own, "list_scanners") == 0)

    let none = RateLimiter([:])
    #expect(burst(none, "list_devices", documented) == 5)
    #expect(burst(none, "list_tenants", documented) == 5)
    #expect(burst(none, "list_scanners") == 10)
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

  @Test func `a pause holds for the bucket, with a limit and without`() {
    let limiter = RateLimiter(["default": RateLimit(requests: 5, perSeconds: Self.hour)])
    let unlimited = RateLimiter([:])
    for limiter in [limiter, unlimited] {
      limiter.pause(for: "a", default: nil, until: MonotonicTime.now.adding(milliseconds: 120_000))
      limiter.pause(for: "a", default: nil, until: MonotonicTime.now.adding(milliseconds: 10_000))
      #expect(reserve(limiter, "a", waitingAtMost: 1_000) == "too late: 2 min")
    }
    #expect(burst(limiter, "b") == 0, "one bucket")
    #expect(burst(unlimited, "b") == 10, "a pause of its own")
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

    let unlimited = RateLimiter([:])
    unlimited.pause(for: "z", default: nil, until: MonotonicTime.now.adding(milliseconds: 60_000))
    unlimited.pause(for: "past", default: nil, until: MonotonicTime.now.adding(milliseconds: -1))
    let pauses = JSONFragment { unlimited.write(to: &$0) }.json
    #expect(pauses.elements.map { $0["bucket"]?.string } == ["z"])
    #expect(pauses[0]?["available"]?.integer == 0)
  }
}

@Suite struct RateLimitSettingsTests {
  @Test func `limits are read by command`() throws {
    let limits = try RateLimitSettings.read(
      try JSON.parse(
        #"{"default":{"requests":10,"per_seconds":1},"list_devices":{"requests":1,"per_seconds":0.5}}"#
      ))
    #expect(
      limits == [
        "default": RateLimit(requests: 10, perSeconds: 1),
        "list_devices": RateLimit(requests: 1, perSeconds: 0.5),
      ])
    #expect(try RateLimitSettings.read(nil).isEmpty)
  }

  @Test(arguments: [
    (#"{"a/b":{"requests":0,"per_seconds":1}}"#, ["/rate_limits/a~1b/requests"]),
    (#"{"default":{"requests":1}}"#, ["/rate_limits/default/per_seconds"]),
    (#"{"default":3}"#, ["/rate_limits/default"]),
    (#"{"x":{"requests":1,"per_seconds":1e300}}"#, ["/rate_limits/x/per_seconds"]),
    (#"{"x":{"requests":1,"per_seconds":0}}"#, ["/rate_limits/x/per_seconds"]),
  ])
  func `a fault has its place`(limits: String, paths: [String]) throws {
    let error = #expect(throws: ParameterProblems.self) {
      try RateLimitSettings.read(try JSON.parse(limits))
    }
    #expect(error?.list.map(\.path) == paths)
  }
}
