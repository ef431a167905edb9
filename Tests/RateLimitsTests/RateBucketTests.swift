import Basics
import RateLimits
import TestSupport
import Testing

@Suite struct RateBucketTests {
  private func at(_ milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: 0).adding(milliseconds: milliseconds)
  }

  private static func window(_ limit: RateLimit) -> Int64 {
    Int64(limit.perSeconds * 1_000_000_000)
  }

  /// The most of `places` in a window of that length, wherever one puts it.
  private func fullestWindow(_ places: [Int64], _ length: Int64) -> Int {
    places.map { start in places.count { $0 >= start && $0 < start + length } }.max() ?? 0
  }

  /// Batches between single requests, some of which are still to come.
  @Test(arguments: 1...12)
  func `the calls of a batch fit every window`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = RateLimit(requests: random.pick([6, 10, 25]), perSeconds: 1)
    let window = Self.window(limit)
    var bucket = RateBucket()
    var now: Int64 = 1_000_000_000_000
    var due: [Int64] = []
    for _ in 0..<200 {
      now += Int64(random.pick(0...Int(window)))
      let count = random.pick([1, 1, 2, limit.requests / 2, limit.requests])
      let time = bucket.reserve(
        count, within: limit, now: MonotonicTime(nanoseconds: now)
      ).nanoseconds
      #expect(time >= now)
      due += Array(repeating: time, count: count)
    }
    #expect(fullestWindow(due, window) <= limit.requests)
  }

  @Test func `a batch that has no room is not reserved in part`() throws {
    let limit = RateLimit(requests: RateBucket.maximumRequests, perSeconds: 3_600)
    let later = at(500).nanoseconds
    let times = [Int64](repeating: later, count: RateBucket.maximumReservations - 10)
    let header: [Int64] = [
      .min, .min, .min, Int64(limit.requests), Self.window(limit), Int64(times.count),
    ]
    var bucket = try #require(RateBucket(words: (header + times)[...], latest: at(1_000)))
    let words = bucket.words
    bucket.reserve(25, within: limit, now: at(0))
    #expect(bucket.words == words)
    bucket.reserve(10, within: limit, now: at(0))
    // Counted, and waited for.
    #expect(bucket.words.count > words.count && bucket.words.count <= RateBucket.maximumWords)
  }

  /// A virtual clock and random arrivals, from crowds to long silences, with pauses now and then.
  @Test(arguments: 1...12)
  func `no window holds more than the limit, and nobody waits without need`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = RateLimit(
      requests: random.pick([1, 2, 3, 7, 20]), perSeconds: random.pick([0.05, 1, 2.5]))
    let window = Self.window(limit)
    var bucket = RateBucket()
    var now: Int64 = 1_000_000_000_000
    var pausedUntil: Int64 = 0
    var sent: [Int64] = []
    for _ in 0..<400 {
      now += arrival(&random, window / Int64(limit.requests), 3 * window)
      if random.pick(0...30) == 0 {
        let until = now + Int64(random.pick(0...2 * Int(window)))
        bucket.pause(
          until: MonotonicTime(nanoseconds: until), now: MonotonicTime(nanoseconds: now))
        pausedUntil = max(pausedUntil, until)
      }
      let time = MonotonicTime(nanoseconds: now)
      let announced = bucket.nextDue(within: limit, now: time)
      let available = bucket.available(within: limit, now: time)
      let due = bucket.reserve(within: limit, now: time)
      #expect(due == announced)
      #expect((available > 0) == (due == time))

      let place = due.nanoseconds
      func count(endingAt end: Int64) -> Int { sent.count { $0 > end - window && $0 <= end } }
      #expect(place >= now && place >= pausedUntil)
      #expect(place >= sent.last ?? 0, "a later request is due later")
      #expect(count(endingAt: place) < limit.requests, "a window is too full")
      // A nanosecond before, it would have been against the limit or the pause.
      if place > now && place > pausedUntil {
        #expect(count(endingAt: place - 1) >= limit.requests, "waits without need")
      }
      sent.append(place)
    }
  }

  private func arrival(_ random: inout SeededGenerator, _ short: Int64, _ long: Int64) -> Int64 {
    switch random.pick(0...9) {
    case 0...4: 0
    case 5...8: Int64(random.pick(0...Int(short)))
    default: Int64(random.pick(0...Int(long)))
    }
  }

  /// Some give up before their time has come; their places go to others, not to the crowd.
  @Test(arguments: 1...12)
  func `no window holds more than the limit when places are given back`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = RateLimit(requests: random.pick([1, 2, 5, 10]), perSeconds: 1)
    let window = Self.window(limit)
    var bucket = RateBucket()
    var now: Int64 = 1_000_000_000_000
    var places: [Int64] = []
    var released = 0
    for _ in 0..<400 {
      now += arrival(&random, window / Int64(2 * limit.requests), 2 * window)
      let waiting = places.indices.filter { places[$0] > now }
      if random.pick(0...2) == 0, let one = waiting.randomElement(using: &random) {
        bucket.release(MonotonicTime(nanoseconds: places.remove(at: one)))
        released += 1
      }
      let time = MonotonicTime(nanoseconds: now)
      let due = bucket.reserve(within: limit, now: time).nanoseconds
      func fullest(with place: Int64) -> Int {
        fullestWindow(places.filter { abs($0 - place) < window } + [place], window)
      }
      // Any earlier one would have been too many.
      for earlier in [now, due - 1] where earlier >= now && earlier < due {
        #expect(fullest(with: earlier) > limit.requests, "waits without need")
      }
      #expect(fullest(with: due) <= limit.requests)
      places.append(due)
    }
    #expect(released > 20)
  }

  /// Tasks that wake late, some of them by whole windows, and some that give up: what counts is when
  /// they send.
  @Test(arguments: 1...24)
  func `no window holds more requests than the limit when those who wait wake late`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limits = [
      RateLimit(requests: random.pick([1, 2, 5, 10]), perSeconds: 1),
      RateLimit(requests: random.pick([10, 20]), perSeconds: random.pick([0.5, 3])),
    ]
    // Each sender is held to its own limit, though all requests count.
    let isMixed = random.pick(0...1) == 1
    let longest = random.pick([1, 20, 200, 4_000]) * 1_000_000
    struct Sleeper {
      var wakes: Int64
      var due: MonotonicTime
      var limit: RateLimit
    }
    var bucket = RateBucket()
    var sleepers: [Sleeper] = []
    var sent: [(time: Int64, limit: RateLimit)] = []
    var now: Int64 = 1_000_000_000_000
    var arrivals = 300

    func settle(_ due: MonotonicTime, _ limit: RateLimit) {
      guard due.nanoseconds > now else { return sent.append((now, limit)) }
      let late = Int64(random.pick(0...3) == 0 ? random.pick(0...longest) : 1_000_000)
      sleepers.append(Sleeper(wakes: due.nanoseconds + late, due: due, limit: limit))
    }
    // What nobody has asked for is not remembered.
    for limit in isMixed ? limits : [] {
      settle(bucket.reserve(within: limit, now: MonotonicTime(nanoseconds: now)), limit)
    }
    while arrivals > 0 || !sleepers.isEmpty {
      let next = sleepers.indices.min { sleepers[$0].wakes < sleepers[$1].wakes }
      if let next, arrivals == 0 || random.pick(0...2) > 0 {
        let sleeper = sleepers.remove(at: next)
        now = max(now, sleeper.wakes)
        let time = MonotonicTime(nanoseconds: now)
        if random.pick(0...9) == 0 {
          bucket.release(sleeper.due)
        } else {
          settle(bucket.resume(sleeper.due, within: sleeper.limit, now: time), sleeper.limit)
        }
      } else {
        arrivals -= 1
        if random.pick(0...3) == 0 { now += Int64(random.pick(0...100_000_000)) }
        let limit = isMixed ? random.pick(limits) : limits[0]
        settle(bucket.reserve(within: limit, now: MonotonicTime(nanoseconds: now)), limit)
      }
    }
    #expect(sent.count > 200)
    for (index, last) in sent.enumerated() where index >= last.limit.requests {
      let first = sent[index - last.limit.requests]
      #expect(last.time - first.time >= Self.window(last.limit), "a window is too full")
    }
  }

  @Test func `a reservation keeps its position when it is used late`() {
    let limit = RateLimit(requests: 2, perSeconds: 1)
    var bucket = RateBucket()
    let due = (0..<7).map { _ in bucket.reserve(within: limit, now: at(0)) }
    #expect(due == [0, 0, 1_000, 1_000, 2_000, 2_000, 3_000].map(at))
    #expect(bucket.resume(due[2], within: limit, now: at(1_040)) == at(1_040))
    #expect(bucket.resume(due[3], within: limit, now: at(1_050)) == at(1_050))
    // Nobody goes to the end of the line.
    let later = bucket.resume(due[4], within: limit, now: at(2_001))
    #expect(later == at(2_050))
    #expect(bucket.resume(due[5], within: limit, now: at(2_041)) == at(2_041))
    #expect(bucket.resume(later, within: limit, now: at(2_051)) == at(2_051))
  }

  @Test func `a burst passes up to the limit, then one request per request that leaves the window`()
  {
    let limit = RateLimit(requests: 3, perSeconds: 1)
    var bucket = RateBucket()
    let due = (0..<7).map { _ in bucket.reserve(within: limit, now: at(0)) }
    #expect(due == [0, 0, 0, 1_000, 1_000, 1_000, 2_000].map(at))
    #expect(bucket.reserve(within: limit, now: at(5_000)) == at(5_000))
  }

  @Test func `the time of a number of requests is computed without reserving`() {
    let limit = RateLimit(requests: 3, perSeconds: 1)
    var bucket = RateBucket()
    _ = bucket.reserve(within: limit, now: at(0))
    let told = [0, 1, 2, 3, 5, 6].map { bucket.due(ofNext: $0, within: limit, now: at(100)) }
    #expect(told == [100, 100, 100, 1_000, 1_100, 2_000].map(at))
    #expect(bucket.available(within: limit, now: at(100)) == 2)
  }

  /// Against reservations one by one, over places with gaps and those of other limits.
  @Test(arguments: 1...12)
  func `when so many will have been due is what reserving them says`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limits = [
      RateLimit(requests: random.pick([1, 2, 5, 20]), perSeconds: 1),
      RateLimit(requests: random.pick([1, 3]), perSeconds: 7),
    ]
    var bucket = RateBucket()
    var now: Int64 = 1_000_000_000_000
    for _ in 0..<40 {
      now += arrival(&random, 200_000_000, 3_000_000_000)
      let time = MonotonicTime(nanoseconds: now)
      let due = (0..<random.pick([1, 3, 30])).map { _ in
        bucket.reserve(within: random.pick(limits), now: time)
      }
      for one in due.filter({ $0 > time }) where random.pick(0...2) == 0 { bucket.release(one) }
      if random.pick(0...9) == 0 {
        bucket.pause(until: time.adding(milliseconds: 2_500), now: time)
      }
      var copy = bucket
      let limit = random.pick(limits)
      for count in 1...70 {
        let next = copy.reserve(within: limit, now: time)
        #expect(bucket.due(ofNext: count, within: limit, now: time) == next)
      }
    }
  }

  @Test func `any number of requests can be forecast, even if it is never due`() {
    let second = RateLimit(requests: 1, perSeconds: 1)
    var bucket = RateBucket()
    for _ in 0..<100 { _ = bucket.reserve(within: second, now: at(0)) }
    // One by one it would not end while a test runs.
    let many = 1_000_000_000
    #expect(
      bucket.due(ofNext: many, within: second, now: at(0)) == at(1_000 * (many + 99)))
    let year = RateLimit(requests: 1, perSeconds: 31_536_000)
    let due = bucket.due(ofNext: many, within: year, now: at(0))
    #expect(due.milliseconds(since: at(0)) > 4_000_000_000_000)
  }

  @Test func `a released reservation goes to the next request`() {
    let limit = RateLimit(requests: 1, perSeconds: 1)
    var bucket = RateBucket()
    for _ in 0..<4 { _ = bucket.reserve(within: limit, now: at(0)) }
    bucket.release(at(1_000))
    bucket.release(at(1_500))
    #expect(bucket.nextDue(within: limit, now: at(10)) == at(1_000))
    // So is one whose time had come, when nothing was sent.
    bucket.release(at(0))
    #expect(bucket.nextDue(within: limit, now: at(10)) == at(10))
    bucket.reserve(within: limit, now: at(0))
    #expect(bucket.reserve(within: limit, now: at(10)) == at(1_000))
    #expect(bucket.reserve(within: limit, now: at(10)) == at(4_000))
  }

  @Test func `each reservation follows the limit that it names`() {
    let slow = RateLimit(requests: 1, perSeconds: 60)
    let fast = RateLimit(requests: 10, perSeconds: 1)
    var bucket = RateBucket()
    #expect(
      (0..<3).map { _ in bucket.reserve(within: slow, now: at(0)) } == [0, 60_000, 120_000].map(at))
    // Requests that wait for minutes do not delay the fast ones.
    let due = (0..<10).map { _ in bucket.reserve(within: fast, now: at(0)) }
    #expect(due == Array(repeating: at(0), count: 9) + [at(1_000)])
    // And a minute of theirs is remembered while the fast ones go on.
    for second in 2..<50 { _ = bucket.reserve(within: fast, now: at(second * 1_000)) }
    #expect(bucket.reserve(within: slow, now: at(50_000)) == at(180_000))
  }

  @Test func `available requests are counted`() {
    let limit = RateLimit(requests: 3, perSeconds: 1)
    var bucket = RateBucket()
    #expect(bucket.available(within: limit, now: at(0)) == 3)
    _ = bucket.reserve(within: limit, now: at(0))
    _ = bucket.reserve(within: limit, now: at(600))
    #expect(bucket.available(within: limit, now: at(600)) == 1)
    #expect(bucket.available(within: limit, now: at(999)) == 1)
    #expect(bucket.available(within: limit, now: at(1_000)) == 2)
    #expect(bucket.available(within: limit, now: at(1_600)) == 3)
  }

  @Test func `a pause delays later requests, and the later of two pauses applies`() {
    let limit = RateLimit(requests: 5, perSeconds: 1)
    var bucket = RateBucket()
    bucket.pause(until: at(300), now: at(0))
    bucket.pause(until: at(100), now: at(0))
    #expect(bucket.isPaused(at: at(299)) && !bucket.isPaused(at: at(300)))
    #expect(bucket.available(within: limit, now: at(299)) == 0)
    #expect(bucket.available(within: limit, now: at(300)) == 5)
    #expect(bucket.nextDue(within: limit, now: at(0)) == at(300))
    #expect(bucket.reserve(within: limit, now: at(0)) == at(300))
    #expect(bucket.reserve(within: limit, now: at(400)) == at(400))
  }

  @Test func `a pause that was ended stays so, whatever other copies contain`() {
    var one = RateBucket()
    one.pause(until: at(3_000), now: at(0))
    var (other, stale) = (one, one)
    let (first, second) = (one.endPause(now: at(10)), one.endPause(now: at(11)))
    #expect(first && !second && !one.isPaused(at: at(10)))
    for _ in 0..<2 {
      one.merge(stale)
      #expect(!one.isPaused(at: at(10)))
    }
    // A fresh copy ends a pause that it does not know.
    var fresh = RateBucket()
    let wasPaused = fresh.endPause(now: at(20))
    #expect(!wasPaused)
    stale.merge(fresh)
    #expect(!stale.isPaused(at: at(20)))
    // A later pause counts.
    other.pause(until: at(4_000), now: at(30))
    one.merge(other)
    stale.merge(other)
    #expect(one.isPaused(at: at(3_999)) && stale.isPaused(at: at(3_999)))
    let copy = RateBucket(words: one.words[...], latest: at(10_000))
    #expect(copy == one)
  }

  @Test(arguments: [31_536_000, 0.001])
  func `the longest and the shortest window are kept to`(perSeconds: Double) {
    let limit = RateLimit(requests: 1, perSeconds: perSeconds)
    var bucket = RateBucket()
    let due = (0..<3).map { _ in bucket.reserve(within: limit, now: at(1_000)).nanoseconds }
    let window: Int64 = perSeconds < 1 ? 1_000_000 : 31_536_000_000_000_000
    #expect(due == [1_000_000_000, 1_000_000_000 + window, 1_000_000_000 + 2 * window])
  }

  @Test func `a limit of very many requests applies to parts of its window`() {
    let limit = RateLimit(requests: 10_000, perSeconds: 3)
    var bucket = RateBucket()
    let due = (0..<9_999).map { _ in bucket.reserve(within: limit, now: at(0)) }
    #expect(due.count { $0 == at(0) } == 3_333)
    #expect(due.count { $0 < at(3_000) } == 9_999)
    #expect(bucket.reserve(within: limit, now: at(0)) >= at(3_000))
  }

  @Test func `a bucket is idle once it delays nothing`() {
    var bucket = RateBucket()
    #expect(bucket.isIdle(now: at(0)))
    _ = bucket.reserve(within: RateLimit(requests: 5, perSeconds: 1), now: at(0))
    #expect(!bucket.isIdle(now: at(999)) && bucket.isIdle(now: at(1_000)))
    bucket.pause(until: at(2_000), now: at(0))
    #expect(!bucket.isIdle(now: at(1_999)) && bucket.isIdle(now: at(2_000)))
  }

  @Test func `merged buckets count everything, and common requests once`() {
    let limit = RateLimit(requests: 5, perSeconds: 1)
    var one = RateBucket()
    for _ in 0..<3 { _ = one.reserve(within: limit, now: at(0)) }
    var other = one
    _ = one.reserve(within: limit, now: at(0))
    _ = other.reserve(within: limit, now: at(100))
    other.pause(until: at(300), now: at(0))
    one.merge(other)
    #expect(one.available(within: limit, now: at(999)) == 0)
    #expect(one.available(within: limit, now: at(1_000)) == 4)
    #expect(one.isPaused(at: at(299)))
    var same = one
    same.merge(one)
    same.merge(RateBucket())
    #expect(same == one)
  }

  // MARK: As numbers

  @Test func `a bucket is restored from its numbers`() throws {
    let limit = RateLimit(requests: 2, perSeconds: 1)
    var bucket = RateBucket()
    for _ in 0..<5 { _ = bucket.reserve(within: limit, now: at(7)) }
    bucket.pause(until: at(2_900), now: at(0))
    let copy = try #require(RateBucket(words: bucket.words[...], latest: at(10_000)))
    #expect(copy == bucket)
    // 2,007 of 7, 7, 1,007, 1,007 and 2,007 is later than what is believed, and so is the pause.
    var believed = try #require(RateBucket(words: bucket.words[...], latest: at(1_500)))
    #expect(believed.reserve(within: limit, now: at(7)) == at(2_007))
  }

  @Test(
    arguments: [
      [], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 5], [0, 0, 0, -1, 1, 0],
      [0, 0, 0, 5_000, 1, 0], [0, 0, 0, 1, -1, 0], [0, 0, 0, 1, .max, 0],
      [0, 0, 0, 1, 1, 1, .max, 0],
    ] as [[Int64]])
  func `numbers of no bucket are refused`(words: [Int64]) {
    #expect(RateBucket(words: words[...], latest: at(0)) == nil)
  }
}
