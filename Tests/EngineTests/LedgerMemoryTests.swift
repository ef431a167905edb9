import JSON
import TestSupport
import Testing

@testable import Engine

extension LedgerMemory {
  /// At a time when nothing expires.
  fileprivate mutating func apply(_ record: LedgerRecord) { apply(record, now: record.time) }
}

@Suite struct LedgerMemoryTests {
  private func record(_ name: String, _ end: LedgerRecord.End, time: Int64 = 0) -> LedgerRecord {
    LedgerRecord(name: name, call: "call", time: time, end: end)
  }

  private func done(bytes: Int) -> LedgerRecord.End {
    .done(LedgerResult(unverified: Array(repeating: 0x31, count: bytes)))
  }

  private func status(_ memory: LedgerMemory, _ name: String, now: Int64 = 0) -> String? {
    memory.entry(name, now: now).map {
      switch $0.status {
      case .started: "started"
      case .done: "done"
      case .unknown: "unknown"
      }
    }
  }

  @Test func `the last record of a key counts`() {
    var memory = LedgerMemory()
    memory.apply(record("a", .started))
    #expect(status(memory, "a") == "started")
    memory.apply(record("a", done(bytes: 3)))
    #expect(status(memory, "a") == "done")
    memory.apply(record("a", .unknown))
    #expect(status(memory, "a") == "unknown")
    memory.apply(record("a", .notApplied))
    #expect(status(memory, "a") == nil)
    #expect((memory.count, memory.fileBytes) == (0, 0))
  }

  @Test func `the oldest finished keys make room, started ones never do`() {
    var memory = LedgerMemory(.init(keys: 3))
    memory.apply(record("started", .started))
    for number in 0..<10 { memory.apply(record("\(number)", done(bytes: 1))) }
    #expect((0..<10).filter { status(memory, "\($0)") != nil } == [7, 8, 9])
    #expect(status(memory, "started") == "started")
  }

  @Test func `results have a budget of bytes`() {
    var memory = LedgerMemory(.init(bytes: 100))
    for number in 0..<10 { memory.apply(record("\(number)", done(bytes: 30))) }
    #expect((0..<10).filter { status(memory, "\($0)") != nil } == [7, 8, 9])
    // One that fits nowhere is forgotten itself.
    memory.apply(record("big", done(bytes: 101)))
    #expect(memory.count == 0)
  }

  @Test func `a key is forgotten after the retention, and not before its time`() {
    var memory = LedgerMemory(.init(retentionMilliseconds: 1_000))
    memory.apply(record("a", .unknown, time: 5_000))
    // The clock was wrong: it is of the future.
    for now: Int64 in [0, 5_000, 5_999] { #expect(status(memory, "a", now: now) == "unknown") }
    for now: Int64 in [6_000, .max] { #expect(status(memory, "a", now: now) == nil) }
    #expect(status(memory, "a", now: 0) == "unknown")
    memory.removeExpired(now: 6_000)
    #expect(memory.count == 0)
  }

  @Test func `a record that has expired takes no room and frees its key`() {
    var memory = LedgerMemory(.init(keys: 2, retentionMilliseconds: 1_000))
    memory.apply(record("a", .unknown, time: 5_000), now: 5_000)
    for number in 0..<10 {
      memory.apply(record("\(number)", .unknown, time: 4_000), now: 5_000)
    }
    #expect(memory.records.map(\.name) == ["a"])
    memory.apply(record("a", .started, time: 1), now: 5_000)
    #expect(memory.count == 0)
  }

  @Test func `before another file is read only finished keys are left`() {
    var memory = LedgerMemory()
    memory.apply(record("a", .started))
    memory.apply(record("b", .unknown))
    memory.removeStarted()
    #expect(status(memory, "a") == nil)
    #expect(status(memory, "b") == "unknown")
  }

  @Test func `records say what is known, oldest first`() {
    var memory = LedgerMemory()
    for name in ["a", "b", "c", "d"] { memory.apply(record(name, .started)) }
    for name in ["c", "a"] { memory.apply(record(name, .unknown)) }
    memory.apply(record("b", .notApplied))
    #expect(memory.records.map(\.name) == ["d", "c", "a"])
    var copy = LedgerMemory()
    for record in memory.records { copy.apply(record) }
    for name in ["a", "b", "c", "d"] { #expect(status(copy, name) == status(memory, name)) }
  }

  /// Against a list that is searched.
  @Test func `a long history gives what a simple model gives`() {
    var random = SeededGenerator(seed: 11)
    var memory = LedgerMemory(.init(keys: 20, bytes: 400))
    var started: Set<String> = []
    var finished: [(name: String, bytes: Int)] = []
    for _ in 0..<20_000 {
      let name = "\(random.pick(0...60))"
      finished.removeAll { $0.name == name }
      started.remove(name)
      switch random.pick(0...3) {
      case 0:
        memory.apply(record(name, .started))
        started.insert(name)
      case 1: memory.apply(record(name, .notApplied))
      default:
        let bytes = random.pick(0...60)
        memory.apply(record(name, done(bytes: bytes)))
        finished.append((name, bytes))
        while finished.count > 20 || finished.reduce(0, { $0 + $1.bytes }) > 400 {
          finished.removeFirst()
        }
      }
      #expect(memory.count == started.count + finished.count)
    }
    for name in started { #expect(status(memory, name) == "started") }
    #expect(
      memory.records.map(\.name).filter { !started.contains($0) } == finished.map(\.name))
  }
}
