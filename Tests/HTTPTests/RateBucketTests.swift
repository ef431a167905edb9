import Basics
import HTTP
import TestSupport
import Testing

@Suite struct RateBucketTests {
  private func at(_ milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: 0).adding(milliseconds: milliseconds)
  }

  /// A virtual clock and random arrivals, from crowds to long silences, with pauses now and then.
  @Test(arguments: 1...12)
  func `no window holds more than the limit, and nobody waits without need`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = RateLimit(
      requests: random.pick([1, 2, 3, 7, 20]), perSeconds: random.pick([0.05, 1, 2.5]))
    let window = Int64(limit.perSeconds * 1_000_000_000)
    var bucket = RateBucket(limit)
    var now: Int64 = 1_000_000_000_000
    var pausedUntil: Int64 = 0
    var sent: [Int64] = []
    for _ in 0..<400 {
      switch random.pick(0...9) {
      case 0...4: break
      case 5...8: now += Int64(random.pick(0...Int(window) / limit.requests))
      default: now += Int64(random.pick(0...3 * Int(window)))
      }
      if random.pick(0...30) == 0 {
        let until = now + Int64(random.pick(0...2 * Int(window)))
        bucket.pause(until: MonotonicTime(nanoseconds: until))
        pausedUntil = max(pausedUntil, until)
      }
      let time = MonotonicTime(nanoseconds: now)
      let announced = bucket.nextDue(now: time)
      let available = bucket.available(now: time)
      let due = bucket.reserve(now: time)
      #expect(due == announced)
      #expect((available > 0) == (due == time))

      let place = due.nanoseconds
      func count(endingAt end: Int64) -> Int { sent.count { $0 > end - window && $0 <= end } }
      #expect(place >= now && place >= pausedUntil)
      #expect(place >= sent.last ?? 0, "whoever comes later is due later")
      #expect(count(endingAt: place) < limit.requests, "a window is too full")
      // A nanosecond before, it would have been against the limit or the pause.
      if place > now && place > pausedUntil {
        #expect(count(endingAt: place - 1) >= limit.requests, "waits without need")
      }
      sent.append(place)
    }
  }

  @Test func `a burst is let through up to the limit, and then one for each that is past`() {
    var bucket = RateBucket(RateLimit(requests: 3, perSeconds: 1))
    let due = (0..<7).map { _ in bucket.reserve(now: at(0)) }
    #expect(due == [0, 0, 0, 1_000, 1_000, 1_000, 2_000].map(at))
    #expect(bucket.reserve(now: at(5_000)) == at(5_000))
  }

  @Test func `what is available is counted`() {
    var bucket = RateBucket(RateLimit(requests: 3, perSeconds: 1))
    #expect(bucket.available(now: at(0)) == 3)
    _ = bucket.reserve(now: at(0))
    _ = bucket.reserve(now: at(600))
    #expect(bucket.available(now: at(600)) == 1)
    #expect(bucket.available(now: at(999)) == 1)
    #expect(bucket.available(now: at(1_000)) == 2)
    #expect(bucket.available(now: at(1_600)) == 3)
  }

  @Test func `a pause holds back what comes after it, and the later of two counts`() {
    var bucket = RateBucket(RateLimit(requests: 5, perSeconds: 1))
    bucket.pause(until: at(300))
    bucket.pause(until: at(100))
    #expect(bucket.available(now: at(299)) == 0)
    #expect(bucket.available(now: at(300)) == 5)
    #expect(bucket.nextDue(now: at(0)) == at(300))
    #expect(bucket.reserve(now: at(0)) == at(300))
    #expect(bucket.reserve(now: at(400)) == at(400))
  }

  @Test(arguments: [31_536_000, 0.001])
  func `the longest and the shortest window are kept to`(perSeconds: Double) {
    var bucket = RateBucket(RateLimit(requests: 1, perSeconds: perSeconds))
    let due = (0..<3).map { _ in bucket.reserve(now: at(1_000)).nanoseconds }
    let window: Int64 = perSeconds < 1 ? 1_000_000 : 31_536_000_000_000_000
    #expect(due == [1_000_000_000, 1_000_000_000 + window, 1_000_000_000 + 2 * window])
  }
}
