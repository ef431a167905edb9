import Basics
import Testing

@testable import HTTP

@Suite struct RetryPolicyTests {
  private let policy = RetryPolicy(attempts: 3, baseMilliseconds: 100, maximumMilliseconds: 1_000)

  @Test(arguments: [
    (429, false, true), (429, true, true), (500, false, false), (500, true, true),
    (503, false, false), (503, true, true), (404, true, false), (200, true, false),
    (501, true, false),
  ])
  func aStatusIsRepeatedOnlyWhereThatIsSafe(status: Int, isRepeatable: Bool, isRepeated: Bool) {
    let delay = policy.delay(
      afterStatus: status, retryAfterMilliseconds: nil, attempt: 1, isRepeatable: isRepeatable,
      randomness: 0)
    #expect((delay != nil) == isRepeated)
  }

  @Test(arguments: [
    (TransportError.Kind.cannotConnect, false, false, true), (.timedOut, true, false, false),
    (.timedOut, true, true, true), (.timedOut, false, false, true),
    (.interrupted, true, false, false), (.tls, false, true, false), (.cancelled, true, true, false),
  ])
  func aBrokenRequestIsRepeatedOnlyWhereThatIsSafe(
    kind: TransportError.Kind, mayHaveArrived: Bool, isRepeatable: Bool, isRepeated: Bool
  ) {
    let delay = policy.delay(
      after: TransportError(kind, "", mayHaveArrived: mayHaveArrived), attempt: 1,
      isRepeatable: isRepeatable, randomness: 0)
    #expect((delay != nil) == isRepeated)
  }

  @Test func backOffDoublesWithinItsBoundsAndEnds() {
    func delay(_ attempt: Int, _ randomness: Double) -> Int? {
      RetryPolicy(attempts: 9, baseMilliseconds: 100, maximumMilliseconds: 1_000).delay(
        afterStatus: 429, retryAfterMilliseconds: nil, attempt: attempt, isRepeatable: true,
        randomness: randomness)
    }
    #expect(delay(1, 0) == 50 && delay(1, 1) == 100)
    #expect(delay(3, 0) == 200 && delay(3, 1) == 400)
    #expect(delay(8, 1) == 1_000)
    #expect(delay(9, 1) == nil)
  }

  @Test func theVendorsWaitIsKept() {
    let delay = policy.delay(
      afterStatus: 429, retryAfterMilliseconds: 7_000, attempt: 1, isRepeatable: false,
      randomness: 0.5)
    #expect(delay == 7_000)
  }
}

@Suite struct RetryAfterTests {
  /// 1994-11-06T08:49:37Z.
  private static let date: Int64 = 784_111_777_000

  @Test(arguments: [
    ("3", 3_000), ("0", 0), ("1.5", 1_500), ("-1", nil), ("soon", nil), ("", nil),
    ("99999999999", 86_400_000),
    ("Sun, 06 Nov 1994 08:49:37 GMT", 5_000), ("Sunday, 06-Nov-94 08:49:37 GMT", 5_000),
    ("Sun Nov  6 08:49:37 1994", 5_000), ("Sun, 06 Nov 1994 08:49:30 GMT", 0),
    ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
  ])
  func secondsAndTheThreeFormsOfDatesAreRead(value: String, milliseconds: Int?) {
    let found = RetryAfter.milliseconds(value, nowMilliseconds: Self.date - 5_000)
    #expect(found == milliseconds)
  }
}

@Suite struct RateBucketTests {
  /// Whatever the arrivals, no window holds more than the limit, and nobody waits without need.
  @Test(arguments: [1, 2, 3, 4, 5])
  func noWindowHoldsMoreThanTheLimit(seed: UInt64) {
    let limit = RateLimit(requests: Int(seed) + 1, perSeconds: 1)
    var bucket = RateBucket(limit)
    var state = seed
    var now: Int64 = 0
    var sent: [Int64] = []
    for _ in 0..<500 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      now += Int64(state >> 33) % 400_000_000
      let due = bucket.reserve(now: MonotonicTime(nanoseconds: now)).nanoseconds
      let inWindow = sent.filter { $0 > due - 1_000_000_000 && $0 <= due }.count
      #expect(inWindow < limit.requests)
      if due > now {
        let before = sent.filter { $0 > due - 1 - 1_000_000_000 && $0 <= due - 1 }.count
        #expect(before >= limit.requests, "a wait of \(due - now) ns was not needed")
      }
      sent.append(due)
    }
  }

  @Test func aPauseHoldsBackWhatComesAfterIt() {
    var bucket = RateBucket(RateLimit(requests: 5, perSeconds: 1))
    let start = MonotonicTime(nanoseconds: 0)
    bucket.pause(until: start.adding(milliseconds: 300))
    #expect(bucket.reserve(now: start) == start.adding(milliseconds: 300))
    #expect(bucket.available(now: start) == 0)
  }
}
