import Synchronization
import Testing

@testable import Basics

@Suite("Pauses and their timers")
struct PauseTests {
  private final class Ended: Sendable {
    private let pauses = Mutex<[Int]>([])

    var all: [Int] { pauses.withLock { $0 } }
    func add(_ milliseconds: Int) { pauses.withLock { $0.append(milliseconds) } }
  }

  @Test("pauses end in the order of their times, whatever the order of their starts")
  func order() async {
    let ended = Ended()
    await withTaskGroup(of: Void.self) { group in
      for milliseconds in [300, 100, 200] {
        group.addTask {
          await Task.pause(milliseconds: milliseconds)
          ended.add(milliseconds)
        }
      }
    }
    #expect(ended.all == [100, 200, 300])
  }

  @Test("a cancelled pause ends at once, also if it was cancelled before")
  func cancellation() async {
    for cancelsFirst in [false, true] {
      let task = Task {
        if cancelsFirst { while !Task.isCancelled { await Task.yield() } }
        await Task.pause(milliseconds: 3_600_000)
      }
      if !cancelsFirst { await Task.pause(milliseconds: 5) }
      task.cancel()
      await task.value
    }
  }

  @Test("a pause of 0 or less ends")
  func zero() async {
    await Task.pause(milliseconds: 0)
    await Task.pause(milliseconds: -1)
  }

  @Test("the heap returns timers in the order of their times and then of their starts")
  func heap() {
    var heap = TimerHeap()
    var random = SystemRandomNumberGenerator()
    var expected: [PoolTimer] = []
    for _ in 0..<500 {
      let time = Int64.random(in: 0..<50, using: &random)
      let timer = PoolTimer(at: MonotonicTime(nanoseconds: time))
      _ = heap.insert(timer)
      expected.append(timer)
    }
    for _ in 0..<100 {
      let timer = expected.remove(at: Int.random(in: expected.indices, using: &random))
      heap.remove(timer)
      heap.remove(timer)
    }
    // The sort is stable, as of Swift 5.
    expected.sort { $0.time < $1.time }
    var taken: [PoolTimer] = []
    for now in stride(from: Int64(0), through: 50, by: 7) {
      taken += heap.removeDue(at: MonotonicTime(nanoseconds: now))
    }
    taken += heap.removeDue(at: MonotonicTime(nanoseconds: 50))
    #expect(taken.map(ObjectIdentifier.init) == expected.map(ObjectIdentifier.init))
    #expect(heap.isEmpty)
  }

  @Test("a timer that was removed before it is added does not stay in the heap")
  func removedBeforeAdded() {
    var heap = TimerHeap()
    let timer = PoolTimer(at: MonotonicTime(nanoseconds: 1))
    heap.remove(timer)
    let isNext = heap.insert(timer)
    #expect(!isNext)
    #expect(heap.isEmpty)
  }
}
