import Basics
import Synchronization

/// A rate bucket that several connections use, and several processes if it has a file.
///
/// One task at a time uses the file. The others queue, each until its own deadline, and the task that
/// has the file applies all queued changes in one read and write. No lock of this process is held
/// while the file is opened, locked, read or written.
///
/// A file that cannot be used in time is ignored: the change applies to the memory of this process,
/// which is merged into the file at its next use.
///
/// On a local file system the task itself opens, locks (without waiting), reads and writes the file:
/// that takes microseconds, and a hop to another thread and back takes longer. The first use, which
/// may create directories and load libcrypto, and every use on another file system run on
/// `BlockingWork.state`.
final class SharedRateBucket: Sendable {
  /// Milliseconds that the lock of another process is waited for. It is held for less than one, unless
  /// that process was stopped in the middle.
  static let patienceMilliseconds = 2_000

  private enum Storage: Sendable {
    case memory
    case unknownFile
    case localFile(RateBucketFile)
    case remoteFile(RateBucketFile)
  }

  private struct State {
    var bucket = RateBucket()
    var storage: Storage
    /// Of the file content that includes all of `bucket`; nil if a part of it is in no file.
    var origin: Int64?
    /// Counts the changes of `bucket`.
    var version = 0
    var isOnDisk: Bool
    /// Whether a task of this process uses the file.
    var isFileInUse = false
    var queue: [Change] = []
    /// Another process held the lock for longer than the patience. Until it lets go, no time is spent
    /// on waiting for it.
    var isStalled = false
  }

  /// The waits that the end of a pause ends.
  private struct Sleepers {
    var latches: [ObjectIdentifier: Latch] = [:]
    var ends = 0
  }

  /// A change that may wait for the file.
  private final class Change: Sendable {
    private let body: @Sendable (inout RateBucket) -> Void
    private let applied = Atomic(false)
    /// Signalled when the change was applied, or when its task may use the file.
    let latch = Latch()

    init(_ body: @escaping @Sendable (inout RateBucket) -> Void) { self.body = body }

    var isApplied: Bool { applied.load(ordering: .acquiring) }

    /// Does nothing the second time: a use of the file may end after its caller gave up.
    func apply(to bucket: inout RateBucket) {
      guard !isApplied else { return }
      body(&bucket)
      applied.store(true, ordering: .releasing)
    }
  }

  private let state: Mutex<State>
  /// Refusals in a row that named no time, each after the pause of the one before.
  private let refusals = Atomic(0)
  private let sleepers = Mutex(Sleepers())
  private let time: TimeSource
  private let locateFile: (@Sendable () -> RateBucketFile?)?
  private let warn: @Sendable (String) -> Void

  /// - Parameters:
  ///   - file: called on first use, and may block; nil for a bucket in memory.
  ///   - warn: called with the reason when the file cannot be used.
  init(
    on time: TimeSource, file: (@Sendable () -> RateBucketFile?)? = nil,
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.time = time
    locateFile = file
    self.warn = warn
    state = Mutex(
      State(storage: file == nil ? .memory : .unknownFile, isOnDisk: file != nil))
  }

  // MARK: Changing

  /// Applies `body` to the bucket as all that share it have left it.
  ///
  /// - Parameter deadline: of the caller. Half of the time until then is left for its request.
  func update<Value: Sendable>(
    by deadline: Deadline, _ body: @escaping @Sendable (inout RateBucket) -> Value
  ) async -> Value {
    guard locateFile != nil else { return state.withLock { body(&$0.bucket) } }
    let box = Box<Value>()
    let change = Change { bucket in box.store(body(&bucket)) }
    await settle(change, by: deadline)
    guard let value = box.value else { preconditionFailure("a change that was not applied") }
    return value
  }

  private final class Box<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? { stored.withLock { $0 } }
    func store(_ value: Value) { stored.withLock { $0 = value } }
  }

  /// Applies a change that no caller waits for: at once if the file is free, otherwise soon.
  func submit(_ body: @escaping @Sendable (inout RateBucket) -> Void) {
    guard locateFile != nil else { return state.withLock { body(&$0.bucket) } }
    let change = Change(body)
    let file = state.withLock { state -> RateBucketFile? in
      guard case .localFile(let file) = state.storage, !state.isFileInUse else { return nil }
      state.isFileInUse = true
      return file
    }
    if let file {
      _ = use(file, nil, for: change)
      passOn()
    }
    guard !change.isApplied else { return }
    // A separate task: the change is due also if the caller was cancelled.
    Task { await settle(change, by: time.deadline(inMilliseconds: 2 * Self.patienceMilliseconds)) }
  }

  private func settle(_ change: Change, by deadline: Deadline) async {
    let isFirst = state.withLock { state in
      if state.isFileInUse {
        state.queue.append(change)
        return false
      }
      state.isFileInUse = true
      return true
    }
    let now = time.now
    let half = max(0, deadline.time.milliseconds(since: now)) / 2
    let latest = Deadline(at: now.adding(milliseconds: half))
    if isFirst {
      await useFile(for: change, by: latest)
      passOn()
    } else if await change.latch.wait(on: time, untilLatestOf: { latest }) {
      guard !change.isApplied else { return }
      await useFile(for: change, by: latest)
      passOn()
    } else {
      ignoreFile(for: change, "the file is in use")
    }
  }

  /// Lets the next change in the queue use the file.
  private func passOn() {
    while true {
      let next = state.withLock { state -> Change? in
        guard state.queue.isEmpty else { return state.queue.removeFirst() }
        state.isFileInUse = false
        return nil
      }
      // A change whose task gave up meanwhile is skipped.
      guard let next, !next.latch.signal() else { return }
    }
  }

  private func useFile(for change: Change, by latest: Deadline) async {
    var held: RateBucketFile.OpenFile?
    while true {
      switch await attempt(held, for: change, by: latest) {
      case .used(nil): return
      case .used(let failure?): return warn("\(failure)")
      case .unusable(let error): return ignoreFile(for: change, "\(error)")
      case .busy(let file):
        let isStalled = state.withLock { $0.isStalled }
        do throws(FileLock.Failure) {
          try await FileLock.lock(
            file.descriptor, until: latest,
            patienceMilliseconds: isStalled ? 0 : Self.patienceMilliseconds)
        } catch {
          if case .held = error { state.withLock { $0.isStalled = true } }
          return ignoreFile(for: change, "another process holds the lock of the file")
        }
        held = file
      case nil:
        return ignoreFile(for: change, nil)
      }
    }
  }

  /// - Returns: nil if there is no file, or none in time.
  private func attempt(
    _ held: RateBucketFile.OpenFile?, for change: Change, by latest: Deadline
  ) async -> RateBucketFile.Attempt? {
    if case .localFile(let file) = state.withLock({ $0.storage }) {
      return use(file, held, for: change)
    }
    do throws(BlockingWork.Interruption) {
      let patience = time.deadline(inMilliseconds: Self.patienceMilliseconds)
      let deadline = Deadline(at: min(latest.time, patience.time))
      return try await BlockingWork.state.run(until: deadline) { [self] in
        guard let file = locate() else { return nil }
        let attempt = use(file, held, for: change)
        state.withLock { state in
          guard case .unknownFile = state.storage else { return }
          state.storage = file.isOnLocalFileSystem ? .localFile(file) : .remoteFile(file)
        }
        return attempt
      }
    } catch {
      switch error {
      case .deadline: warn("the file was not usable in time")
      case .noThread: warn("no thread is left")
      case .cancelled: break
      }
      return nil
    }
  }

  /// Blocks.
  private func locate() -> RateBucketFile? {
    switch state.withLock({ $0.storage }) {
    case .memory: return nil
    case .localFile(let file), .remoteFile(let file): return file
    case .unknownFile:
      guard let file = locateFile?() else {
        state.withLock { $0.storage = .memory }
        return nil
      }
      return file
    }
  }

  /// Applies `change`, and all that are in the queue, to the file.
  private func use(
    _ file: RateBucketFile, _ held: RateBucketFile.OpenFile?, for change: Change
  ) -> RateBucketFile.Attempt {
    var applied: [Change] = []
    var (version, origin) = (0, Int64(0))
    let attempt = file.use(held) { content in
      state.withLock { state in
        var new = Self.merged(content, state)
        change.apply(to: &new.bucket)
        for queued in state.queue { queued.apply(to: &new.bucket) }
        applied = state.queue
        state.queue = []
        state.bucket = new.bucket
        state.origin = nil
        state.version += 1
        state.isStalled = false
        (version, origin) = (state.version, new.origin)
        return new.bucket == content?.bucket ?? RateBucket() ? nil : new
      }
    }
    if case .used(let failure) = attempt {
      state.withLock { state in
        state.isOnDisk = failure == nil
        if failure == nil && state.version == version { state.origin = origin }
      }
      for change in applied { change.latch.signal() }
    }
    return attempt
  }

  /// The content of the file with what is only in memory.
  private static func merged(
    _ content: RateBucketFile.Content?, _ state: State
  ) -> RateBucketFile.Content {
    guard var content else {
      return RateBucketFile.Content(origin: .random(in: .min ... .max), bucket: state.bucket)
    }
    if content.origin != state.origin { content.bucket.merge(state.bucket) }
    return content
  }

  /// Applies a change in memory.
  ///
  /// - Parameter reason: nil if it has been reported.
  private func ignoreFile(for change: Change, _ reason: String?) {
    let isIgnored = state.withLock { state in
      state.queue.removeAll { $0 === change }
      guard !change.isApplied else { return false }
      change.apply(to: &state.bucket)
      state.origin = nil
      state.version += 1
      state.isOnDisk = false
      return true
    }
    if isIgnored, let reason, !Task.isCancelled { warn(reason) }
  }

  // MARK: Looking

  /// A copy as of now. Waits for nobody; reads the file if it is local.
  func snapshot() -> (bucket: RateBucket, isOnDisk: Bool) {
    let known = state.withLock { $0 }
    guard case .localFile(let file) = known.storage else { return (known.bucket, known.isOnDisk) }
    return (Self.merged(file.snapshot(), known).bucket, known.isOnDisk)
  }

  /// A copy as of now, of the file too. Waits for no lock.
  func current(by deadline: Deadline) async -> RateBucket {
    switch state.withLock({ $0.storage }) {
    case .memory, .localFile: return snapshot().bucket
    case .unknownFile, .remoteFile:
      let bucket = try? await BlockingWork.state.run(until: deadline) { [self] in
        let content = locate()?.snapshot()
        return Self.merged(content, state.withLock { $0 }).bucket
      }
      return bucket ?? snapshot().bucket
    }
  }

  /// As far as this process knows.
  var isIdle: Bool { state.withLock { $0.bucket.isIdle(now: time.now) } }

  // MARK: Pauses

  func pause(milliseconds: Int, by deadline: Deadline) async {
    await update(by: deadline) { [time] in
      let now = time.now
      $0.pause(until: now.adding(milliseconds: milliseconds), now: now)
    }
  }

  /// A pause after a refusal that names no time. Refusals during a pause share it.
  ///
  /// - Returns: its milliseconds.
  func backOff(atMost maximumMilliseconds: Int, by deadline: Deadline) async -> Int {
    await update(by: deadline) { [self] bucket in
      let now = time.now
      if !bucket.isPaused(at: now) {
        let doublings = min(refusals.wrappingAdd(1, ordering: .relaxed).oldValue, 20)
        let pause = min(1_000 << doublings, maximumMilliseconds)
        bucket.pause(until: now.adding(milliseconds: pause), now: now)
      }
      return bucket.resumption(now: now).milliseconds(since: now)
    }
  }

  /// Ends a pause, also for other processes: they see it with their next request.
  ///
  /// - Returns: whether there was one.
  func endPause(by deadline: Deadline) async -> Bool {
    forgetRefusals()
    let wasPaused = await update(by: deadline) { [time] in $0.endPause(now: time.now) }
    let latches = sleepers.withLock { sleepers in
      sleepers.ends += 1
      defer { sleepers.latches = [:] }
      return Array(sleepers.latches.values)
    }
    for latch in latches { latch.signal() }
    return wasPaused
  }

  var pauseEnd: RatePauseEnd {
    RatePauseEnd(bucket: self, count: sleepers.withLock { $0.ends })
  }

  /// - Returns: false if a pause was ended since there were `count` ends.
  func addSleeper(_ latch: Latch, after count: Int) -> Bool {
    sleepers.withLock { sleepers in
      guard sleepers.ends == count else { return false }
      sleepers.latches[ObjectIdentifier(latch)] = latch
      return true
    }
  }

  func removeSleeper(_ latch: Latch) {
    sleepers.withLock { $0.latches[ObjectIdentifier(latch)] = nil }
  }

  func forgetRefusals() { refusals.store(0, ordering: .relaxed) }

  /// When the pause is over, as far as this process knows.
  func resumption(now: MonotonicTime) -> MonotonicTime {
    state.withLock { $0.bucket.resumption(now: now) }
  }
}
