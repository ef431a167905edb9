import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Basics

private let farDeadline = Deadline(inMilliseconds: 600_000)

/// What several threads note.
private final class Notes: Sendable {
  private let value = Mutex<[Int]>([])

  func add(_ number: Int) { value.withLock { $0.append(number) } }
  var all: [Int] { value.withLock { $0 } }
}

/// Work that blocks its thread until it is opened.
private final class Gate: Sendable {
  private let monitor = Monitor((entered: 0, isOpen: false))

  func pass() {
    monitor.withLock { $0.entered += 1 }
    monitor.notify()
    _ = monitor.wait { $0.isOpen ? true : nil }
  }

  func open() {
    monitor.withLock { $0.isOpen = true }
    monitor.notify()
  }

  /// Occupies a thread of the lane.
  func occupy(_ lane: BlockingWork) async {
    let before = monitor.withLock { $0.entered }
    lane.submit { self.pass() }
    while monitor.withLock({ $0.entered }) == before { await Task.pause(milliseconds: 1) }
  }
}

@Suite struct BlockingWorkTests {
  @Test func `a result comes back`() async throws {
    let lane = BlockingWork("test", threads: 2)
    #expect(try await lane.run { 7 } == 7)
    #expect(try await lane.run(until: farDeadline) { "text" } == "text")
  }

  @Test func `a lane of one thread keeps the order`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let notes = Notes()
    for number in 0..<1_000 { lane.submit { notes.add(number) } }
    try await lane.run {}
    #expect(notes.all == Array(0..<1_000))
  }

  @Test func `work that waits when its deadline passes never starts`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let (gate, notes) = (Gate(), Notes())
    await gate.occupy(lane)
    await #expect(throws: BlockingWork.Interruption.deadline) {
      try await lane.run(until: Deadline(inMilliseconds: 20)) { notes.add(1) }
    }
    gate.open()
    try await lane.run { notes.add(2) }
    #expect(notes.all == [2])
  }

  @Test func `work whose deadline has passed never starts`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let notes = Notes()
    await #expect(throws: BlockingWork.Interruption.deadline) {
      try await lane.run(until: Deadline(inMilliseconds: -1)) { notes.add(1) }
    }
    try await lane.run {}
    #expect(notes.all.isEmpty)
  }

  @Test func `work that has started runs on after its deadline`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let (gate, notes) = (Gate(), Notes())
    await #expect(throws: BlockingWork.Interruption.deadline) {
      try await lane.run(until: Deadline(inMilliseconds: 20)) {
        gate.pass()
        notes.add(1)
      }
    }
    gate.open()
    try await lane.run {}
    #expect(notes.all == [1])
  }

  @Test func `cancellation ends the wait and drops work that waits`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let (gate, notes) = (Gate(), Notes())
    await gate.occupy(lane)
    let executor = InOrderExecutor()
    let waiting = Task(executorPreference: executor) {
      do throws(BlockingWork.Interruption) {
        try await lane.run { notes.add(1) }
        return BlockingWork.Interruption?.none
      } catch {
        return error
      }
    }
    await executor.settle()
    waiting.cancel()
    #expect(await waiting.value == .cancelled)
    gate.open()
    try await lane.run { notes.add(2) }
    #expect(notes.all == [2])
  }

  @Test func `abandoned work is released at once`() async throws {
    final class Held: Sendable {}
    let lane = BlockingWork("test", threads: 1)
    let gate = Gate()
    await gate.occupy(lane)
    weak var weakHeld: Held?
    do {
      let held = Held()
      weakHeld = held
      _ = try? await lane.run(until: Deadline(inMilliseconds: 5)) { [held] in _ = held }
    }
    #expect(weakHeld == nil)
    gate.open()
  }

  @Test func `a stuck lane delays no other`() async throws {
    let (stuck, other) = (BlockingWork("test", threads: 1), BlockingWork("test", threads: 1))
    let gate = Gate()
    await gate.occupy(stuck)
    #expect(try await other.run(until: farDeadline) { 1 } == 1)
    gate.open()
  }

  @Test func `a thread is started for each job that waits, up to the limit`() async throws {
    let lane = BlockingWork("test", threads: 3)
    let gate = Gate()
    for _ in 0..<3 { await gate.occupy(lane) }
    await #expect(throws: BlockingWork.Interruption.deadline) {
      try await lane.run(until: Deadline(inMilliseconds: 10)) {}
    }
    gate.open()
    try await lane.run(until: farDeadline) {}
  }

  @Test func `many callers get their own results`() async throws {
    let lane = BlockingWork("test", threads: 4)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<2_000 {
        group.addTask {
          let deadline = Deadline(inMilliseconds: number % 5 == 0 ? 1 : 600_000)
          do throws(BlockingWork.Interruption) {
            return try await lane.run(until: deadline) { number } == number
          } catch {
            return error == .deadline && number % 5 == 0
          }
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func `submit blocks while too many bytes wait`() async throws {
    let lane = BlockingWork("test", threads: 1)
    let (gate, notes) = (Gate(), Notes())
    await gate.occupy(lane)
    let half = BlockingWork.maximumWaitingBytes / 2
    NamedThread.start("submitter") {
      // One alone is taken whatever its size.
      for number in 0..<3 {
        lane.submit(bytes: number == 0 ? 3 * half : half) { notes.add(10 + number) }
        notes.add(number)
      }
    }
    while notes.all.isEmpty { await Task.pause(milliseconds: 1) }
    await Task.pause(milliseconds: 20)
    #expect(notes.all == [0], "the second one waits for the first to be done")
    lane.submit { notes.add(99) }
    gate.open()
    while notes.all.count < 7 { await Task.pause(milliseconds: 1) }
    #expect(notes.all.filter { $0 >= 10 } == [10, 99, 11, 12])
  }

  @Test func `a refused thread is an error and not a trap, and the next work tries again`()
    async throws
  {
    let refuses = Mutex(true)
    let lane = BlockingWork("test", threads: 1) { name, body in
      refuses.withLock { $0 } ? EAGAIN : NamedThread.start(name, body)
    }
    await #expect(throws: BlockingWork.Interruption.noThread(code: EAGAIN)) {
      try await lane.run(until: farDeadline) {}
    }
    let notes = Notes()
    lane.submit(bytes: 10) { notes.add(1) }
    #expect(notes.all == [1], "it ran on this thread")
    refuses.withLock { $0 = false }
    #expect(try await lane.run(until: farDeadline) { 2 } == 2)
  }

  @Test func `a refused further thread leaves the work to the others`() async throws {
    let started = Atomic(0)
    let lane = BlockingWork("test", threads: 2) { name, body in
      started.add(1, ordering: .relaxed).oldValue == 0 ? NamedThread.start(name, body) : EAGAIN
    }
    let gate = Gate()
    await gate.occupy(lane)
    async let second = lane.run(until: farDeadline) { 2 }
    gate.open()
    #expect(try await second == 2)
  }
}
