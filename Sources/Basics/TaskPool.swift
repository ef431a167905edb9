import CProcess
import Glibc

/// The threads and timers of tasks, in place of libdispatch.
///
/// libdispatch needs descriptors for its first timer and ends the process without them. It blocks
/// its caller while the system refuses a thread, and lets idle threads exit. This pool waits on
/// condition variables, keeps its threads, and needs no descriptor.
package final class TaskPool: @unchecked Sendable {
  // @unchecked: all fields are guarded by `mutex`.
  package static let shared = TaskPool()

  /// As with libdispatch, whose threads have the system's default.
  private static let stackBytes = 8 * 1_024 * 1_024

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Threads without work, except the one that waits for the next timer.
  private let idle = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var idleThreads = 0
  /// Idle threads that were chosen and have not run yet.
  private var wakeups = 0
  /// The idle thread that waits for the next timer, by the number of its wait.
  private let timed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var timedWait: UInt64?
  private var waitCount: UInt64 = 0
  private var threads = 0
  private let maximumThreads: Int

  private var jobs = JobQueue()
  private var timers = TimerHeap()

  private init() {
    maximumThreads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    for condition in [idle, timed] {
      condition.initialize(to: pthread_cond_t())
      pthread_cond_init(condition, &attributes)
    }
    pthread_condattr_destroy(&attributes)
  }

  // MARK: For the process

  /// Takes all tasks of the process. Must be called before the first one.
  package static func install() {
    sallyport_take_jobs { job in
      if let job { TaskPool.shared.enqueue(job) }
    }
  }

  /// Starts the first thread. Further ones start when they are needed, and the pool works without
  /// them.
  ///
  /// - Returns: 0, or the errno with which the system refused the thread.
  package func start() -> Int32 {
    pthread_mutex_lock(mutex)
    let isFirst = threads == 0
    if isFirst { threads = 1 }
    pthread_mutex_unlock(mutex)
    return isFirst ? startThread() : 0
  }

  /// Must be called without the lock. The thread is counted already.
  @discardableResult
  private func startThread() -> Int32 {
    let code = NamedThread.start("tasks", stackBytes: Self.stackBytes) { [self] in work() }
    if code != 0 {
      pthread_mutex_lock(mutex)
      threads -= 1
      pthread_mutex_unlock(mutex)
    }
    return code
  }

  private func enqueue(_ job: UnsafeMutableRawPointer) {
    pthread_mutex_lock(mutex)
    jobs.append(job)
    let needsThread = wakeOne()
    pthread_mutex_unlock(mutex)
    if needsThread { startThread() }
  }

  // MARK: Timers

  func add(_ timer: PoolTimer) {
    pthread_mutex_lock(mutex)
    let needsThread = timers.insert(timer) && wakeTimed()
    pthread_mutex_unlock(mutex)
    if needsThread { startThread() }
  }

  func remove(_ timer: PoolTimer) {
    pthread_mutex_lock(mutex)
    timers.remove(timer)
    pthread_mutex_unlock(mutex)
  }

  // MARK: Waking

  /// Chooses a thread for a job.
  ///
  /// - Returns: whether the caller must start it. It is counted already.
  private func wakeOne() -> Bool {
    if wakeIdle() { return false }
    if timedWait != nil {
      timedWait = nil
      pthread_cond_signal(timed)
    } else if threads < maximumThreads {
      threads += 1
      return true
    }
    return false
  }

  @discardableResult
  private func wakeIdle() -> Bool {
    guard idleThreads > 0 else { return false }
    idleThreads -= 1
    wakeups += 1
    pthread_cond_signal(idle)
    return true
  }

  /// Makes a thread wait for the next timer, unless all are busy: each looks at the timers after its
  /// job.
  private func wakeTimed() -> Bool {
    if timedWait != nil {
      pthread_cond_signal(timed)
      return false
    }
    if wakeIdle() || threads > 0 { return false }
    threads += 1
    return true
  }

  // MARK: Threads

  private func work() {
    pthread_mutex_lock(mutex)
    while true {
      let due = timers.isEmpty ? [] : timers.removeDue(at: .now)
      let job = due.isEmpty ? jobs.popFirst() : nil
      if !due.isEmpty || job != nil {
        // While this thread is busy another one waits for the next timer.
        if timedWait == nil, !timers.isEmpty { wakeIdle() }
        pthread_mutex_unlock(mutex)
        if !due.isEmpty { Self.fire(due) }
        if let job { sallyport_run_job(job) }
        pthread_mutex_lock(mutex)
      } else if let next = timers.first?.time, timedWait == nil {
        waitForTimer(next)
      } else {
        waitForJob()
      }
    }
  }

  /// Apart, because the loop takes long to prepare, and most threads never fire a timer.
  @inline(never)
  private static func fire(_ timers: [PoolTimer]) {
    for timer in timers { timer.fire() }
  }

  private func waitForJob() {
    idleThreads += 1
    while wakeups == 0 { pthread_cond_wait(idle, mutex) }
    wakeups -= 1
  }

  private func waitForTimer(_ time: MonotonicTime) {
    waitCount += 1
    let number = waitCount
    timedWait = number
    var until = timespec(
      tv_sec: Int(time.nanoseconds / 1_000_000_000), tv_nsec: Int(time.nanoseconds % 1_000_000_000))
    pthread_cond_timedwait(timed, mutex, &until)
    if timedWait == number { timedWait = nil }
  }
}

/// Jobs in the order of their arrival.
private struct JobQueue {
  /// Jobs that were taken and still have room, at most.
  private static let maximumTaken = 4_096

  private var jobs: [UnsafeMutableRawPointer] = []
  private var taken = 0

  mutating func append(_ job: UnsafeMutableRawPointer) { jobs.append(job) }

  mutating func popFirst() -> UnsafeMutableRawPointer? {
    guard taken < jobs.count else { return nil }
    let job = jobs[taken]
    taken += 1
    if taken == jobs.count {
      jobs.removeAll(keepingCapacity: taken <= Self.maximumTaken)
      taken = 0
    } else if taken >= Self.maximumTaken, taken > jobs.count / 2 {
      jobs.removeFirst(taken)
      taken = 0
    }
    return job
  }
}
