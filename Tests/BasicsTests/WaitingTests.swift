import Synchronization
import TestSupport
import Testing

@testable import Basics

private let farDeadline = Deadline(inMilliseconds: 600_000)

@Suite struct LatchTests {
  @Test func `a signal ends the wait, before and during it`() async {
    let early = Latch()
    #expect(early.signal())
    #expect(await early.wait())
    #expect(early.signal(), "a second signal has no effect")

    let executor = InOrderExecutor()
    let latch = Latch()
    let waiting = Task(executorPreference: executor) { await latch.wait(until: farDeadline) }
    await executor.settle()
    #expect(latch.signal())
    #expect(await waiting.value)
  }

  @Test func `a deadline ends the wait permanently, and not early`() async {
    let latch = Latch()
    let start = MonotonicTime.now
    #expect(await latch.wait(until: Deadline(inMilliseconds: 30)) == false)
    #expect(MonotonicTime.now.milliseconds(since: start) >= 30)
    #expect(latch.signal() == false)
    #expect(await latch.wait() == false)
  }

  @Test func `a passed deadline ends the wait at once, unless it was signalled before`() async {
    let latch = Latch()
    #expect(await latch.wait(until: Deadline(inMilliseconds: -1_000)) == false)
    let signalled = Latch()
    signalled.signal()
    #expect(await signalled.wait(until: Deadline(inMilliseconds: -1_000)))
  }

  @Test func `cancellation ends the wait, before and during it`() async {
    for waitsFirst in [true, false] {
      let executor = InOrderExecutor()
      let latch = Latch()
      let waiting = Task(executorPreference: executor) { await latch.wait() }
      if waitsFirst { await executor.settle() }
      waiting.cancel()
      #expect(await waiting.value == false)
      #expect(latch.signal() == false)
    }
  }

  @Test func `signal and timeout agree on which came first`() async {
    for _ in 0..<500 {
      let latch = Latch()
      let waiting = Task { await latch.wait(until: farDeadline) }
      async let signal = Task.detached { latch.signal() }.value
      async let cancelled: Void = Task.detached { waiting.cancel() }.value
      let (handedOver, _) = await (signal, cancelled)
      #expect(await waiting.value == handedOver)
    }
  }
}

@Suite struct TaskSemaphoreTests {
  /// A record that several tasks write to.
  private final class Notes<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
  }

  private struct Crowd {
    var now = 0
    var most = 0
    var entered = 0
  }

  @Test func `slots are handed over in order of arrival`() async {
    let semaphore = TaskSemaphore(1)
    let executor = InOrderExecutor()
    let order = Notes<[Int]>([])
    #expect(await semaphore.acquire(until: farDeadline))
    let waiting = (0..<20).map { number in
      Task(executorPreference: executor) {
        #expect(await semaphore.acquire(until: farDeadline))
        order.value.withLock { $0.append(number) }
        semaphore.release()
      }
    }
    await executor.settle()
    #expect(order.value.withLock { $0.isEmpty })
    semaphore.release()
    for task in waiting { await task.value }
    #expect(order.value.withLock { $0 } == Array(0..<20))
  }

  @Test func `a waiter that gave up passes its turn on`() async {
    let semaphore = TaskSemaphore(1)
    let executor = InOrderExecutor()
    #expect(await semaphore.acquire(until: farDeadline))
    let cancelled = Task(executorPreference: executor) {
      await semaphore.acquire(until: farDeadline)
    }
    let late = Task(executorPreference: executor) {
      await semaphore.acquire(until: Deadline(inMilliseconds: 10))
    }
    let patient = Task(executorPreference: executor) { await semaphore.acquire(until: farDeadline) }
    await executor.settle()
    #expect(await late.value == false)
    cancelled.cancel()
    // Release at once, while the latch of the cancelled task is still queued.
    semaphore.release()
    #expect(await patient.value)
    #expect(await cancelled.value == false)
    semaphore.release()
    #expect(await semaphore.acquire(until: farDeadline))
  }

  @Test func `a deadline ends the wait and uses no slot`() async {
    let semaphore = TaskSemaphore(2)
    #expect(await semaphore.acquire(until: farDeadline))
    #expect(await semaphore.acquire(until: farDeadline))
    #expect(await semaphore.acquire(until: Deadline(inMilliseconds: 5)) == false)
    semaphore.release()
    #expect(await semaphore.acquire(until: farDeadline))
    #expect(await semaphore.acquire(until: Deadline(inMilliseconds: 5)) == false)
  }

  @Test func `no slot is lost or duplicated when waiters give up`() async {
    let slots = 3
    let semaphore = TaskSemaphore(slots)
    let crowd = Notes(Crowd())
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<300 {
        group.addTask {
          let patience = number % 3 == 0 ? 1 + number % 7 : 30_000
          let work = Task {
            guard await semaphore.acquire(until: Deadline(inMilliseconds: patience)) else { return }
            crowd.value.withLock {
              $0.now += 1
              $0.most = max($0.most, $0.now)
              $0.entered += 1
            }
            if number % 4 == 0 { await Task.yield() }
            crowd.value.withLock { $0.now -= 1 }
            semaphore.release()
          }
          if number % 5 == 0 { work.cancel() }
          await work.value
        }
      }
    }
    let seen = crowd.value.withLock { $0 }
    #expect(seen.now == 0)
    #expect(seen.most <= slots)
    #expect(seen.entered >= 300 / 3)
    for _ in 0..<slots { #expect(await semaphore.acquire(until: Deadline(inMilliseconds: 1_000))) }
    #expect(await semaphore.acquire(until: Deadline(inMilliseconds: 5)) == false)
  }
}

@Suite struct MonitorTests {
  /// Runs `run` on a new thread and returns its result to the task.
  private func onThread<Value: Sendable>(_ run: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      NamedThread.start("test") { continuation.resume(returning: run()) }
    }
  }

  @Test func `a notified thread checks again until there is a value`() async {
    let monitor = Monitor(0)
    async let answer = onThread { monitor.wait { $0 >= 3 ? $0 : nil } }
    for _ in 0..<3 {
      monitor.withLock { $0 += 1 }
      monitor.notify()
      await Task.yield()
    }
    #expect(await answer == 3)
  }

  @Test func `all waiting threads are woken`() async {
    let monitor = Monitor(false)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          await onThread { monitor.wait(until: farDeadline) { $0 ? true : nil } ?? false }
        }
      }
      await Task.pause(milliseconds: 5)
      monitor.withLock { $0 = true }
      monitor.notify()
      for await woken in group { #expect(woken) }
    }
  }

  @Test func `a deadline ends the wait, and not early`() async {
    let monitor = Monitor(0)
    let start = MonotonicTime.now
    let answer = await onThread {
      monitor.wait(until: Deadline(inMilliseconds: 30)) { _ -> Int? in nil }
    }
    #expect(answer == nil)
    #expect(MonotonicTime.now.milliseconds(since: start) >= 30)
  }

  @Test func `an available value is returned after the deadline`() {
    let monitor = Monitor(7)
    #expect(monitor.wait(until: Deadline(inMilliseconds: -5)) { $0 } == 7)
  }

  @Test func `only one thread at a time holds the state`() async {
    let monitor = Monitor(0)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          await onThread { for _ in 0..<5_000 { monitor.withLock { $0 += 1 } } }
        }
      }
    }
    #expect(monitor.withLock { $0 } == 20_000)
  }
}
