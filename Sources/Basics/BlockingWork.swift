import Synchronization

/// The one home of work that blocks a thread: state files, stored files, secret helpers, `dlopen`.
///
/// Tasks run on Swift's cooperative pool, which has one thread per core. A blocking call there stops
/// every other call of the host. Work that may block runs on the few threads of a lane instead, and
/// its caller waits for it no longer than its deadline. Lanes are separate so that stuck work of one
/// purpose cannot delay another. A lock that another process may hold is never waited for in a lane:
/// see `FileLock`.
package final class BlockingWork: Sendable {
  /// Idempotency ledger, audit file, rate-limit files, connections file.
  package static let state = BlockingWork("state", threads: 2)
  /// Files that commands store and read.
  package static let files = BlockingWork("files", threads: 2)
  /// The methods on files, in the order of their requests: a list sent after a put shows the file.
  package static let orderedFiles = BlockingWork("ordered files", threads: 1)
  /// Secret helpers (`$command`), which may take seconds.
  package static let helpers = BlockingWork("helpers", threads: 4)

  /// Bytes of requests that wait in one lane before `submit` blocks its caller.
  private static let maximumWaitingBytes = 64 * 1_024 * 1_024

  /// Why `run` returned without a result.
  package enum Interruption: Error, Sendable {
    case deadline
    case cancelled
  }

  private struct Job {
    let bytes: Int
    let run: @Sendable () -> Void
  }

  private struct State {
    var jobs: [Job] = []
    var waitingBytes = 0
    var threads = 0
    var idleThreads = 0
  }

  private let name: StaticString
  private let maximumThreads: Int
  private let monitor = Monitor(State())

  /// - Parameters:
  ///   - name: of the threads, at most 15 bytes.
  ///   - threads: at most that many; each is started when it is first needed.
  package init(_ name: StaticString, threads: Int) {
    precondition(threads > 0, "a lane without threads")
    self.name = name
    maximumThreads = threads
  }

  /// Runs `body` on a thread of the lane and suspends the task until it returns.
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Throws: `Interruption` if the deadline passes or the task is cancelled first. A body that has
  ///   not started then never starts; one that has started runs on and its result is dropped.
  package func run<Value: Sendable>(
    until deadline: Deadline? = nil, _ body: @escaping @Sendable () -> Value
  ) async throws(Interruption) -> Value {
    let box = Box<Value>()
    let latch = Latch()
    let isAbandoned = Flag()
    enqueue(
      Job(bytes: 0) {
        if isAbandoned.isSet { return }
        let value = body()
        box.store(value)
        latch.signal()
      })
    guard await latch.wait(until: deadline) else {
      isAbandoned.set()
      throw Task.isCancelled ? .cancelled : .deadline
    }
    guard let value = box.take() else {
      preconditionFailure("blocking work was signalled without a result")
    }
    return value
  }

  /// Queues `body`. Blocks the calling thread, which must not be of the cooperative pool, while more
  /// than 64 MiB wait.
  ///
  /// - Parameter bytes: memory that the work holds until it is done.
  package func submit(bytes: Int = 0, _ body: @escaping @Sendable () -> Void) {
    _ = monitor.wait { state -> Bool? in
      let hasRoom =
        state.waitingBytes == 0 || state.waitingBytes + bytes <= Self.maximumWaitingBytes
      return hasRoom ? true : nil
    }
    enqueue(Job(bytes: bytes, run: body))
  }

  private func enqueue(_ job: Job) {
    let startsThread = monitor.withLock { state -> Bool in
      state.jobs.append(job)
      state.waitingBytes += job.bytes
      guard state.idleThreads < state.jobs.count, state.threads < maximumThreads else {
        return false
      }
      state.threads += 1
      return true
    }
    if startsThread { NamedThread.start(name) { [self] in work() } }
    monitor.notify()
  }

  private func work() {
    while true {
      let job = monitor.withLock { state -> Job? in
        guard state.jobs.isEmpty else { return state.jobs.removeFirst() }
        state.idleThreads += 1
        return nil
      }
      guard let job else {
        _ = monitor.wait { $0.jobs.isEmpty ? nil : true }
        monitor.withLock { $0.idleThreads -= 1 }
        continue
      }
      job.run()
      monitor.withLock { $0.waitingBytes -= job.bytes }
      monitor.notify()
    }
  }

  /// A result on its way from a lane to a task.
  private final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init() { value = Mutex(nil) }

    func store(_ new: Value) { value.withLock { $0 = new } }
    func take() -> Value? { value.withLock { $0 } }
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
  }
}
