import Synchronization

/// The one home of work that blocks a thread: state files, stored files, secret helpers, `dlopen`.
///
/// Tasks run on Swift's cooperative pool, which has one thread per core. A blocking call there stops
/// every other call of the host. Work that may block runs on the few threads of a lane instead, and
/// its caller waits for it no longer than its deadline. Lanes are separate so that stuck work of one
/// purpose cannot delay another. A lock that another process may hold is never waited for in a lane:
/// see `FileLock`.
package final class BlockingWork: Sendable {
  /// Idempotency ledger, rate-limit files, connections file.
  package static let state = BlockingWork("state", threads: 4)
  /// Files that commands store and read.
  package static let files = BlockingWork("files", threads: 2)
  /// The methods on files, in the order of their requests: a list sent after a put shows the file.
  package static let orderedFiles = BlockingWork("ordered files", threads: 1)
  /// Digests of large files, in parallel with the threads that write them. Waits for nothing.
  package static let digests = BlockingWork("digests", threads: 2)
  /// The audit file, in the order of its records.
  package static let audit = BlockingWork("audit", threads: 1)
  /// Secret helpers (`$command`) and secret files (`$file`). A helper may take 20 s, and a
  /// connection has at most one at a time.
  package static let helpers = BlockingWork("helpers", threads: 16)
  /// Starts of plugins, which die with the thread that started them. Digests of large files take long, and
  /// delay no other plugin.
  package static let plugins = BlockingWork("plugins", threads: 8)
  /// The file of metrics.
  package static let metrics = BlockingWork("metrics", threads: 1)
  /// `dlopen` of libcurl and libcrypto.
  package static let libraries = BlockingWork("libraries", threads: 1)

  /// Bytes of requests that wait in one lane before `submit` blocks its caller.
  package static let maximumWaitingBytes = 64 * 1_024 * 1_024

  /// Why `run` returned without a result.
  package enum Interruption: Error, Equatable, Sendable {
    case deadline
    case cancelled
    /// The system refuses a thread, with that errno, and the lane has none.
    case noThread(code: Int32)
  }

  /// One piece of work in the queue. Exactly one of the two functions is called, unless it is
  /// abandoned.
  private struct Job {
    let bytes: Int
    let run: @Sendable () -> Void
    let refuse: @Sendable (_ code: Int32) -> Void
  }

  private struct State {
    var jobs = NumberedQueue<Job>()
    /// Held by jobs that wait or run.
    var bytes = 0
    var threads = 0
    /// Threads that wait for a job, or have not looked for their first one yet.
    var idleThreads = 0
  }

  private let name: StaticString
  private let maximumThreads: Int
  private let startThread: @Sendable (StaticString, @escaping @Sendable () -> Void) -> Int32
  private let monitor = Monitor(State())

  /// - Parameters:
  ///   - name: of the threads, at most 15 bytes.
  ///   - threads: at most that many; each is started when it is first needed.
  ///   - startThread: for tests; returns an errno when the system refuses a thread.
  package init(
    _ name: StaticString, threads: Int,
    startThread: @escaping @Sendable (StaticString, @escaping @Sendable () -> Void) -> Int32 = {
      NamedThread.start($0, $1)
    }
  ) {
    precondition(threads > 0, "a lane without threads")
    self.name = name
    self.startThread = startThread
    maximumThreads = threads
  }

  /// Runs `body` on a thread of the lane and suspends the task until it returns.
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Throws: `Interruption` if the deadline passes or the task is cancelled first. A body that has
  ///   not started then never starts, and is released; one that has started runs on and its result
  ///   is dropped.
  package func run<Value: Sendable>(
    until deadline: Deadline? = nil, _ body: @escaping @Sendable () -> Value
  ) async throws(Interruption) -> Value {
    if Task.isCancelled { throw .cancelled }
    if let deadline, deadline.hasPassed { throw .deadline }
    let box = Box<Value>()
    let latch = Latch()
    let number = enqueue(
      Job(bytes: 0) {
        box.store(.success(body()))
        latch.signal()
      } refuse: { code in
        box.store(.failure(.noThread(code: code)))
        latch.signal()
      })
    guard await latch.wait(until: deadline) else {
      // Released outside the lock: what the body holds may have a deinit that blocks.
      _ = monitor.withLock { $0.jobs.remove(number) }
      throw Task.isCancelled ? .cancelled : .deadline
    }
    guard let result = box.result else {
      preconditionFailure("blocking work was signalled without a result")
    }
    return try result.get()
  }

  /// Queues `body`.
  ///
  /// With `bytes` it blocks the calling thread, which must not be of the cooperative pool, while
  /// `maximumWaitingBytes` wait. Without, it never blocks. If the system refuses the lane its only
  /// thread, `body` runs on the thread that asked for it.
  ///
  /// - Parameter bytes: memory that the work holds until it is done.
  package func submit(bytes: Int = 0, _ body: @escaping @Sendable () -> Void) {
    let job = Job(bytes: bytes, run: body) { _ in body() }
    if bytes == 0 {
      enqueue(job)
      return
    }
    let startsThread = monitor.wait { state -> Bool? in
      guard state.bytes == 0 || state.bytes + bytes <= Self.maximumWaitingBytes else { return nil }
      return add(job, to: &state).startsThread
    }
    wake(startsThread: startsThread ?? false)
  }

  @discardableResult
  private func enqueue(_ job: Job) -> UInt64 {
    let (number, startsThread) = monitor.withLock { add(job, to: &$0) }
    wake(startsThread: startsThread)
    return number
  }

  private func add(_ job: Job, to state: inout State) -> (number: UInt64, startsThread: Bool) {
    let number = state.jobs.append(job)
    state.bytes += job.bytes
    guard state.idleThreads < state.jobs.count, state.threads < maximumThreads else {
      return (number, false)
    }
    state.threads += 1
    state.idleThreads += 1
    return (number, true)
  }

  private func wake(startsThread: Bool) {
    if startsThread {
      let code = startThread(name) { [self] in work() }
      if code != 0 { threadWasRefused(code) }
    }
    monitor.notify()
  }

  private func threadWasRefused(_ code: Int32) {
    let refused = monitor.withLock { state -> [Job] in
      state.threads -= 1
      state.idleThreads -= 1
      // Otherwise the threads that there are do the work, only later.
      guard state.threads == 0 else { return [] }
      var jobs: [Job] = []
      while let job = state.jobs.popFirst() { jobs.append(job) }
      return jobs
    }
    for job in refused {
      job.refuse(code)
      monitor.withLock { $0.bytes -= job.bytes }
    }
  }

  private func work() {
    while true {
      runNext()
      monitor.notify()
    }
  }

  /// A function, so that a job is released when it has run and not when the next one comes.
  private func runNext() {
    let job = monitor.wait { state -> Job? in
      guard let job = state.jobs.popFirst() else { return nil }
      state.idleThreads -= 1
      return job
    }
    guard let job else { return }
    job.run()
    monitor.withLock { state in
      state.bytes -= job.bytes
      state.idleThreads += 1
    }
  }

  /// A result on its way from a lane to a task.
  private final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Result<Value, Interruption>?>(nil)

    var result: Result<Value, Interruption>? { content.withLock { $0 } }
    func store(_ new: Result<Value, Interruption>) { content.withLock { $0 = new } }
  }
}
