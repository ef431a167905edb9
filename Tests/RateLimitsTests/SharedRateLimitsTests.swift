import Basics
import Foundation
import HTTP
import JSON
import Synchronization
import TestSupport
import Testing

@testable import RateLimits

private let far = Deadline(inMilliseconds: 600_000)

/// A separate directory for one test.
private final class StateDirectory {
  let path = FileManager.default.temporaryDirectory.path + "/sallyport-limits-\(UUID().uuidString)"
  var limits: String { path + "/sallyport/limits" }

  deinit {
    chmod(path, 0o700)
    try? FileManager.default.removeItem(atPath: path)
  }

  var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: limits)) ?? []).sorted()
  }

  func mode(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
  }

  /// One process's view of it.
  func process(boot: BootID? = nil, log: Log? = nil) -> SharedRateLimits {
    let limits = limits
    return SharedRateLimits(log: log, boot: boot) { limits }
  }
}

/// Where many threads write down when they will send.
private final class Places: Sendable {
  private let due = Mutex<[Int64]>([])

  var sorted: [Int64] { due.withLock { $0.sorted() } }
  func add(_ time: MonotonicTime) { due.withLock { $0.append(time.nanoseconds) } }

  func remove(_ time: MonotonicTime) {
    due.withLock { due in
      if let index = due.firstIndex(of: time.nanoseconds) { due.remove(at: index) }
    }
  }
}

@Suite struct SharedRateLimitsTests {
  /// As long that no test outlives a window.
  private static let hour = RateLimit(requests: 5, perSeconds: 3_600)
  private let state = StateDirectory()

  private func limiter(
    _ process: SharedRateLimits, as identity: String? = "key 1", _ limit: RateLimit = hour
  ) -> RateLimiter {
    let limiter = RateLimiter(["default": limit], sharedIn: process)
    if let identity { limiter.share(as: identity) }
    return limiter
  }

  /// How many of ten requests may be sent at once.
  private func burst(_ limiter: RateLimiter, _ command: String = "a") async -> Int {
    var count = 0
    for _ in 0..<10 {
      if case .now = await limiter.reserve(command, nil, for: TestWaiter.hurried) { count += 1 }
    }
    return count
  }

  @Test func `connections with one key share its limit, others do not`() async {
    let process = SharedRateLimits.inProcess
    let (one, two) = (limiter(process), limiter(process))
    #expect(await burst(one) == 5)
    #expect(await burst(two) == 0)
    #expect(await burst(limiter(process, as: "key 2")) == 5)
    #expect(await burst(limiter(process, as: nil)) == 5, "nobody said whose it is")
    two.share(as: "key 3")
    #expect(await burst(two) == 5, "another key")
    two.share(as: "key 1")
    #expect(await burst(two) == 0, "and back")
  }

  @Test func `processes share a limit`() async {
    #expect(await burst(limiter(state.process())) == 5)
    #expect(await burst(limiter(state.process())) == 0)
    #expect(await burst(limiter(state.process(), as: "key 2")) == 5)
  }

  @Test func `pauses and releases are visible to all processes`() async {
    let (one, two) = (limiter(state.process()), limiter(state.process()))
    #expect(await burst(one) == 5)
    guard case .after(let first, let place) = await one.reserve("a", nil, for: TestWaiter.patient),
      case .after(let second, let other) = await two.reserve("a", nil, for: TestWaiter.patient)
    else {
      Issue.record("the limit was reached")
      return
    }
    #expect(second - first < 3_600_000, "the same hour")
    place.release()
    other.release()
    await one.refused("a", nil, RetryAfter(milliseconds: 3_600_000), by: far)
    let wait = await two.due(ofNext: 1, for: "a", nil, by: far).milliseconds(since: .now)
    // With the margin of a window.
    #expect((3_500_000...RateLimiter.maximumWaitMilliseconds).contains(wait))
  }

  @Test func `the end of a pause is visible to all processes, used or not`() async {
    let (one, two) = (limiter(state.process()), limiter(state.process()))
    let (fresh, operations) = (limiter(state.process()), [(command: "a", quota: RateQuota?.none)])
    for ending in [two, fresh] {
      await one.refused("a", nil, RetryAfter(milliseconds: 3_000_000), by: far)
      #expect(await two.due(ofNext: 1, for: "a", nil, by: far) > .now.adding(milliseconds: 1_000))
      #expect(await ending.endPauses(of: operations, by: far) == 1)
      #expect(await ending.endPauses(of: operations, by: far) == 0)
      for limiter in [one, two] {
        #expect(await limiter.due(ofNext: 1, for: "a", nil, by: far) <= .now)
      }
    }
    #expect(await burst(one) == 5)
    #expect(await one.endPauses(of: operations, by: far) == 0, "a full window is no pause")
    #expect(await burst(two) == 0)
  }

  @Test func `a pause is ended although another process holds the file`() async throws {
    let (one, two) = (limiter(state.process()), limiter(state.process()))
    await one.refused("a", nil, RetryAfter(milliseconds: 3_000_000), by: far)
    #expect(await two.due(ofNext: 1, for: "a", nil, by: far) > .now)
    let other = OtherProcess(holding: try file())
    let soon = Deadline(inMilliseconds: 200)
    _ = await two.endPauses(of: [(command: "a", quota: nil)], by: soon)
    other.release()
    #expect(await burst(two) == 5, "the pause in the file does not return")
    #expect(await one.due(ofNext: 1, for: "a", nil, by: far) > .now, "the window is full")
    #expect(await one.endPauses(of: [(command: "a", quota: nil)], by: far) == 0)
  }

  @Test func `connections with different limits each keep theirs`() async {
    #expect(await burst(limiter(state.process())) == 5)
    let wide = RateLimit(requests: 8, perSeconds: 3_600)
    #expect(await burst(limiter(state.process(), as: "key 1", wide)) == 3)
    #expect(
      await burst(limiter(state.process(), as: "key 1", RateLimit(requests: 1, perSeconds: 1))) == 0
    )
  }

  /// The property that all of this serves, with many tasks on the state of several processes.
  @Test func `no window is too full, with several processes`() async {
    let limit = RateLimit(requests: 7, perSeconds: 10)
    let places = Places()
    let limiters = (0..<8).map { _ in limiter(state.process(), as: "key", limit) }
    await withTaskGroup { group in
      for limiter in limiters {
        group.addTask {
          for round in 0..<60 {
            let waiter = TestWaiter { due, _ in
              places.add(due)
              return true
            }
            let turn = await limiter.reserve("a", nil, for: waiter)
            // Some are released, but never in the past.
            if case .after(let wait, let reservation) = turn, round % 5 == 4, wait > 9_000 {
              places.remove(reservation.due)
              reservation.release()
            }
          }
        }
      }
    }
    let all = places.sorted
    #expect(all.count > 300)
    for first in all.indices.dropLast(7) {
      #expect(all[first + 7] - all[first] >= 10_000_000_000)
    }
  }

  // MARK: Files

  @Test func `files are created when they are needed, for this user alone`() async throws {
    let process = state.process()
    let limiter = limiter(process, as: "integration\nhttps://vendor.example\nSECRET-KEY")
    let unlimited = RateLimiter([:], sharedIn: process)
    unlimited.share(as: "key")
    #expect(await burst(unlimited) == 10)
    #expect(!FileManager.default.fileExists(atPath: state.path))
    #expect(await burst(limiter) == 5)
    let file = try #require(state.files.first)
    #expect(state.files.count == 1 && file.count == 64 && file.allSatisfy(\.isHexDigit))
    #expect(state.mode(state.limits) == 0o700)
    #expect(state.mode(state.path + "/sallyport") == 0o700)
    #expect(state.mode(state.limits + "/" + file) == 0o600)
    let content = try Data(contentsOf: URL(fileURLWithPath: state.limits + "/" + file))
    #expect(content.range(of: Data("SECRET".utf8)) == nil)
  }

  private func file() throws -> String { state.limits + "/" + (try #require(state.files.first)) }

  @Test(arguments: ["cut", "empty", "noise", "one bit", "more", "huge"])
  func `a torn file counts as empty and is whole again after`(how: String) async throws {
    #expect(await burst(limiter(state.process())) == 5)
    let path = try file()
    var content = try Data(contentsOf: URL(fileURLWithPath: path))
    switch how {
    case "cut": content.removeLast(8)
    case "empty": content = Data()
    case "noise": content = Data((0..<100).map { UInt8($0) })
    case "one bit": content[content.count - 1] ^= 1
    case "more": content.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
    default: content = Data(count: 2_000_000)
    }
    try content.write(to: URL(fileURLWithPath: path))
    #expect(await burst(limiter(state.process())) == 5)
    #expect(await burst(limiter(state.process())) == 0)
  }

  @Test func `each boot and each machine has separate files`() async throws {
    let before = try #require(BootID("6b1f8f1e-5c58-4b5e-9a1b-0123456789ab"))
    let after = try #require(BootID("6b1f8f1e-5c58-4b5e-9a1b-0123456789ac"))
    #expect(await burst(limiter(state.process(boot: before))) == 5)
    #expect(await burst(limiter(state.process(boot: after))) == 5)
    #expect(await burst(limiter(state.process(boot: before))) == 0, "as it left it")
    #expect(await burst(limiter(state.process(boot: after))) == 0)
    #expect(state.files.count == 2)
  }

  @Test func `impossible times are dropped`() async throws {
    let process = state.process()
    let bucket = process.bucket("default", of: "key 1")
    await bucket.pause(milliseconds: 300_000_000_000, by: far)
    #expect(await burst(limiter(process)) == 5)
  }

  @Test func `without a usable directory limits are in the process, with one warning`()
    async
  {
    _ = FileManager.default.createFile(atPath: state.path, contents: nil)
    let pipe = Pipe()
    let log = Log(
      level: .warning, descriptor: pipe.fileHandleForWriting.fileDescriptor
    ) { $0 }
    let process = state.process(log: log)
    let (one, two) = (limiter(process), limiter(process))
    #expect(await burst(one) == 5)
    #expect(await burst(two) == 0)
    #expect(await burst(limiter(process, as: "key 2")) == 5)
    let shown = JSONFragment { one.write(to: &$0) }.json
    #expect(shown[0]?["shared"]?.bool == false)
    log.flush()
    try? pipe.fileHandleForWriting.close()
    let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.count == 1)
    #expect(lines.first?.contains("rate limits are not shared with other processes") == true)
  }

  @Test func `without a directory limits are in the process`() async {
    let process = SharedRateLimits(log: nil) { nil }
    #expect(await burst(limiter(process)) == 5)
    #expect(await burst(limiter(process)) == 0)
  }

  @Test(arguments: ["removed", "torn", "begun anew by another"])
  func `what a process remembers outlives the file`(what: String) async throws {
    let one = limiter(state.process())
    #expect(await burst(one) == 5)
    let path = try file()
    switch what {
    case "removed": try FileManager.default.removeItem(atPath: state.path)
    case "torn": try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
    default:
      try FileManager.default.removeItem(atPath: path)
      let other = limiter(state.process(), as: "key 1", RateLimit(requests: 2, perSeconds: 3_600))
      #expect(await burst(other) == 2)
    }
    #expect(await burst(one) == 0)
    #expect(await burst(limiter(state.process())) == 0, "and is in the file again")
    let wide = RateLimit(requests: 8, perSeconds: 3_600)
    #expect(await burst(limiter(state.process(), as: "key 1", wide)) == 3)
  }

  @Test func `requests sent while the file is unusable are written to it later`() async throws {
    let process = state.process()
    let one = limiter(process, as: "key 1", RateLimit(requests: 2, perSeconds: 3_600))
    #expect(await burst(one) == 2)
    let path = try file()
    try FileManager.default.moveItem(atPath: path, toPath: path + ".kept")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let more = limiter(process, as: "key 1", RateLimit(requests: 4, perSeconds: 3_600))
    #expect(await burst(more) == 2)
    let shown = JSONFragment { more.write(to: &$0) }.json
    #expect(shown[0]?["shared"]?.bool == false && shown[0]?["available"]?.integer == 0)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: path + ".kept", toPath: path)
    #expect(await burst(more) == 0)
    #expect(await burst(limiter(state.process())) == 1, "once each")
  }

  /// The lock of another process, until it is released.
  private final class OtherProcess {
    private let descriptor: Int32

    init(holding path: String) {
      // A separate open file has a separate lock, as that of another process.
      descriptor = open(path, O_RDWR)
      #expect(flock(descriptor, LOCK_EX) == 0)
    }

    func release() { #expect(flock(descriptor, LOCK_UN) == 0) }
    deinit { close(descriptor) }
  }

  @Test func `limits are shown while another process holds the file`() async throws {
    let one = limiter(state.process())
    _ = await burst(limiter(state.process()))
    #expect(await burst(one) == 0)
    let other = OtherProcess(holding: try file())
    let refusal = Task { await one.refused("a", nil, RetryAfter(milliseconds: 0), by: far) }
    let shown = JSONFragment { one.write(to: &$0) }.json
    #expect(shown[0]?["available"]?.integer == 0)
    #expect(shown[0]?["shared"]?.bool == true)
    other.release()
    #expect(await refusal.value.milliseconds == 0)
  }

  @Test func `a held file does not delay a request beyond half of its deadline`() async throws {
    let one = limiter(state.process())
    _ = await burst(one)
    let other = OtherProcess(holding: try file())
    // Not released before all have ended: each ends by its own deadline, or the test hangs.
    let turns = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let waiter = TestWaiter(by: Deadline(inMilliseconds: 200)) { _, _ in true }
          if case .after = await one.reserve("a", nil, for: waiter) { return true }
          return false
        }
      }
      return await group.reduce(into: 0) { count, isReserved in if isReserved { count += 1 } }
    }
    #expect(turns == 8)
    #expect(JSONFragment { one.write(to: &$0) }.json[0]?["shared"]?.bool == false)
    other.release()
    // What was reserved meanwhile is merged into the file.
    #expect(await burst(one) == 0)
    let wait = await limiter(state.process()).due(ofNext: 1, for: "a", nil, by: far)
    #expect(wait.milliseconds(since: .now) > 7_000_000, "behind 13 reservations of 5 per hour")
  }

  @Test func `a release during a held file is written after it`() async throws {
    let one = limiter(state.process())
    #expect(await burst(one) == 5)
    guard case .after(_, let reservation) = await one.reserve("a", nil, for: TestWaiter.patient)
    else {
      Issue.record("the limit was reached")
      return
    }
    let other = OtherProcess(holding: try file())
    reservation.release()
    other.release()
    while await limiter(state.process()).due(ofNext: 1, for: "a", nil, by: far)
      >= reservation.due
      .adding(milliseconds: 3_600_000)
    { await Task.pause(milliseconds: 1) }
  }

  @Test func `a process that was stopped with the lock delays the others once`() async throws {
    let one = limiter(state.process())
    _ = await burst(one)
    let stopped = OtherProcess(holding: try file())
    let other = limiter(state.process())
    #expect(await burst(other) == 5, "it knows of no others")
    #expect(await burst(other) == 0, "and counts by itself")
    let shown = JSONFragment { other.write(to: &$0) }.json
    #expect(shown[0]?["shared"]?.bool == false)
    stopped.release()
    #expect(await burst(other) == 0)
    #expect(JSONFragment { other.write(to: &$0) }.json[0]?["shared"]?.bool == true)
  }

  @Test func `old idle files are removed when a new one is created`() async throws {
    let second = RateLimit(requests: 1, perSeconds: 0.001)
    _ = await burst(limiter(state.process(), as: "idle", second))
    let idle = try file()
    _ = await burst(limiter(state.process(), as: "busy"))
    _ = await burst(limiter(state.process(), as: "young", second))
    _ = FileManager.default.createFile(atPath: state.limits + "/notes", contents: nil)
    let young = state.files.count
    #expect(young == 4)
    let other = try #require(BootID("6b1f8f1e-5c58-4b5e-9a1b-0123456789ab"))
    _ = await burst(limiter(state.process(boot: other), as: "foreign", second))
    _ = await burst(limiter(state.process(boot: other), as: "long gone", second))
    let ages = ["young": 0, "foreign": 80_000]
    for identity in ["idle", "busy", "young", "foreign", "long gone"] {
      for boot in [BootID.current, other].compactMap(\.self) {
        let path = state.limits + "/" + fileName(of: identity, boot)
        guard FileManager.default.fileExists(atPath: path) else { continue }
        let date = Date(timeIntervalSinceNow: -Double(ages[identity] ?? 90_000))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
      }
    }
    _ = await burst(limiter(state.process(), as: "new"))
    #expect(!FileManager.default.fileExists(atPath: idle))
    #expect(
      Set(state.files) == [
        "notes", fileName(of: "busy"), fileName(of: "young"), fileName(of: "new"),
        fileName(of: "foreign", other),
      ])
  }

  private func fileName(of identity: String, _ boot: BootID? = .current) -> String {
    boot.flatMap { SharedRateLimits.fileName(for: "\(identity)\ndefault", $0) } ?? ""
  }

  @Test func `a limit that is shared is shown as such`() async throws {
    let one = limiter(state.process())
    _ = await burst(limiter(state.process()))
    #expect(await burst(one) == 0)
    let bucket = try #require(JSONFragment { one.write(to: &$0) }.json[0])
    #expect(bucket["shared"]?.bool == true)
    #expect(bucket["available"]?.integer == 0)
    #expect((bucket["resume_in_ms"]?.integer ?? 0) > 3_000_000)
  }
}
