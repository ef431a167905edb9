import Basics
import Glibc
import IntegrationKit
import Synchronization

/// Reads and writes the file of an idempotency ledger for all callers of this process.
///
/// Callers queue their records. One task at a time takes the lock of the file, which it awaits
/// without a thread, and then does all that has been queued in one piece of blocking work: what
/// other processes have appended is read, starts are decided, records are appended. A caller leaves
/// at its deadline; the queue and the order of the records stay right without it.
final class LedgerWork: Sendable {
  /// Milliseconds in which the end of a command is written, also when its answer has been sent.
  static let endMilliseconds = 30_000
  /// A file below that size is not compacted.
  static let minimumCompactionBytes = 1_024 * 1_024
  /// It is compacted when it has that many times the bytes of what is remembered.
  private static let compactionFactor = 2

  private enum Decision: Sendable {
    case run
    case known(LedgerMemory.Entry)
    case failed(CommandError)
  }

  /// A look-up or a start that a caller waits for, or an end.
  private final class Operation: Sendable {
    let record: LedgerRecord
    /// Whether nothing is written.
    let isLookUp: Bool
    let deadline: Deadline
    let latch = Latch()
    let decision = Mutex<Decision?>(nil)

    init(_ record: LedgerRecord, isLookUp: Bool = false, until deadline: Deadline) {
      self.record = record
      self.isLookUp = isLookUp
      self.deadline = deadline
    }

    /// Whether it is a look-up or a start.
    var isStart: Bool {
      if case .started = record.end { return true }
      return false
    }

    /// - Returns: whether somebody still waits for it.
    @discardableResult
    func finish(_ decision: Decision) -> Bool {
      self.decision.withLock { $0 = decision }
      return latch.signal()
    }
  }

  private struct State {
    var file: LedgerFile
    var waiting: [Operation] = []
    var isWorking = false
    /// Whether another process has the lock, for all that is known.
    var isContended = false
    var idleWaiters: [Latch] = []
  }

  private let state: Mutex<State>
  private let memory: SharedLedgerMemory
  private let log: Log
  /// A smaller file is not compacted.
  private let compactionBytes: Atomic<Int>
  private let now: @Sendable () -> Int64

  init(
    _ file: LedgerFile, _ memory: SharedLedgerMemory, log: Log, compactionBytes: Int,
    now: @escaping @Sendable () -> Int64
  ) {
    state = Mutex(State(file: file))
    self.memory = memory
    self.log = log
    self.compactionBytes = Atomic(compactionBytes)
    self.now = now
  }

  // MARK: For callers

  /// Reads what is known of a key.
  ///
  /// - Parameter record: its start.
  /// - Throws: when the file cannot be used before the deadline.
  func lookUp(
    _ record: LedgerRecord, until deadline: Deadline
  ) async throws(CommandError) -> LedgerMemory.Entry? {
    try await decision(of: Operation(record, isLookUp: true, until: deadline))
  }

  /// Writes the start of a command unless its key is already known.
  ///
  /// - Returns: nil when it is written; otherwise what is known of the key.
  /// - Throws: when the file cannot be used before the deadline. Nothing is left in it then.
  func start(
    _ record: LedgerRecord, until deadline: Deadline
  ) async throws(CommandError) -> LedgerMemory.Entry? {
    try await decision(of: Operation(record, until: deadline))
  }

  private func decision(
    of operation: Operation
  ) async throws(CommandError) -> LedgerMemory.Entry? {
    let deadline = operation.deadline
    add(operation)
    guard await operation.latch.wait(until: deadline) else {
      let isContended = state.withLock { state in
        state.waiting.removeAll { $0 === operation }
        return state.isContended
      }
      if Task.isCancelled { throw .cancelled(outcome: .notApplied) }
      throw isContended ? Self.busy : Self.slow
    }
    switch operation.decision.withLock({ $0 }) {
    case .run: return nil
    case .known(let entry): return entry
    case .failed(let error): throw error
    case nil: preconditionFailure("a record of the ledger was decided without a decision")
    }
  }

  /// Queues the end of a command. To be called before anybody can start the key again: records of a
  /// key are written in the order of these calls.
  func end(_ record: LedgerRecord) -> PendingEnd {
    let operation = Operation(record, until: Deadline(inMilliseconds: Self.endMilliseconds))
    add(operation)
    return PendingEnd(latch: operation.latch)
  }

  struct PendingEnd: Sendable {
    fileprivate let latch: Latch

    /// Returns when the record is written, and at the deadline. It is written in any case.
    func wait(until deadline: Deadline) async { _ = await latch.wait(until: deadline) }
  }

  func awaitIdle(until deadline: Deadline) async -> Bool {
    let latch = state.withLock { state -> Latch? in
      guard state.isWorking else { return nil }
      let latch = Latch()
      state.idleWaiters.append(latch)
      return latch
    }
    return await latch?.wait(until: deadline) ?? true
  }

  private func add(_ operation: Operation) {
    let isFirst = state.withLock { state in
      state.waiting.append(operation)
      defer { state.isWorking = true }
      return !state.isWorking
    }
    if isFirst { Task.detached { await self.work() } }
  }

  // MARK: In turn

  private func work() async {
    while let (file, deadline) = next() {
      do throws(FileLock.Failure) {
        if FileLock.tryLock(file.descriptor) != 0 {
          state.withLock { $0.isContended = true }
          try await FileLock.lock(file.descriptor, until: deadline)
        }
        state.withLock { $0.isContended = false }
      } catch {
        switch error {
        case .busy, .held, .cancelled: failExpired()
        case .system(let code): fail(Self.unusable(FileError(path: file.path, code: code)))
        }
        continue
      }
      do throws(BlockingWork.Interruption) {
        let file = try await BlockingWork.state.run { self.update(file) }
        state.withLock { $0.file = file }
      } catch {
        file.unlock()
        fail(CommandError(error, of: "The idempotency ledger"))
      }
    }
  }

  /// - Returns: the file, and when nobody waits any more; nil when nothing is left to do.
  private func next() -> (LedgerFile, Deadline)? {
    let (next, idle) = state.withLock { state -> ((LedgerFile, Deadline)?, [Latch]) in
      guard let last = state.waiting.max(by: { $0.deadline.time < $1.deadline.time }) else {
        state.isWorking = false
        defer { state.idleWaiters = [] }
        return (nil, state.idleWaiters)
      }
      return ((state.file, last.deadline), [])
    }
    for latch in idle { latch.signal() }
    return next
  }

  private func takeWaiting(where isTaken: (Operation) -> Bool = { _ in true }) -> [Operation] {
    state.withLock { state in
      let taken = state.waiting.filter(isTaken)
      state.waiting.removeAll(where: isTaken)
      return taken
    }
  }

  private func failExpired() {
    fail(Self.busy, takeWaiting { $0.deadline.hasPassed })
  }

  private func fail(_ error: CommandError) { fail(error, takeWaiting()) }

  private func fail(_ error: CommandError, _ operations: [Operation]) {
    let ends = operations.filter { !$0.isStart }
    if !ends.isEmpty {
      log.error(
        "the end of \(ends.count) commands is not in the idempotency ledger: \(error.message)")
      // This process knows it nevertheless, whatever it has read meanwhile.
      memory.apply(ends.map(\.record), now: now())
    }
    for operation in operations { operation.finish(.failed(error)) }
  }

  // MARK: With the lock. Blocks.

  /// - Returns: the file, unlocked.
  private func update(_ old: LedgerFile) -> LedgerFile {
    var file = old
    var batch: [Operation] = []
    do throws(FileError) {
      if let replacement = try file.reopenIfReplaced() {
        // The new file's own lock has to be taken first.
        if replacement == .compacted { memory.withLock { $0.removeStarted() } }
        return file
      }
      try readNew(&file)
      batch = takeWaiting()
      try carryOut(batch, in: &file)
      compact(&file)
    } catch {
      fail(Self.unusable(error), batch.isEmpty ? takeWaiting() : batch)
    }
    file.unlock()
    return file
  }

  private func readNew(_ file: inout LedgerFile) throws(FileError) {
    let now = now()
    let newest = memory.withLock { $0.maximumFinishedKeys }
    let invalid = try file.readNew(newestFinished: newest) { memory.apply($0, now: now) }
    if invalid > 0 {
      log.warning("\(invalid) lines of \(file.path) are invalid: their keys are not known")
    }
  }

  private func carryOut(_ batch: [Operation], in file: inout LedgerFile) throws(FileError) {
    var decisions: [(Operation, Decision)] = []
    var records: [LedgerRecord] = []
    for operation in batch {
      let record = operation.record
      if operation.isStart {
        if let known = memory.entry(record.name, now: now()) {
          decisions.append((operation, .known(known)))
          continue
        }
        if !operation.isLookUp, memory.isFull {
          decisions.append((operation, .failed(Self.full)))
          continue
        }
      }
      decisions.append((operation, .run))
      if operation.isLookUp { continue }
      records.append(record)
      // An end is known before it is written. What has been read meanwhile may have hidden it.
      if !operation.isStart { memory.apply([record], now: now()) }
    }
    try file.append(records)
    memory.apply(records, now: now())
    // The caller has left at its deadline: the command does not run.
    let withdrawn = decisions.compactMap { operation, decision -> LedgerRecord? in
      let isAwaited = operation.finish(decision)
      guard operation.isStart, !operation.isLookUp, case .run = decision, !isAwaited else {
        return nil
      }
      return operation.record.ending(.notApplied, at: operation.record.time)
    }
    do throws(FileError) {
      try file.append(withdrawn)
      memory.apply(withdrawn, now: now())
    } catch {
      log.error("\(withdrawn.count) starts in the idempotency ledger cannot be withdrawn: \(error)")
    }
  }

  private func compact(_ file: inout LedgerFile) {
    guard let size = try? file.size(), size > compactionBytes.load(ordering: .relaxed) else {
      return
    }
    let now = now()
    let records = memory.withLock { memory -> [LedgerRecord]? in
      memory.removeExpired(now: now)
      return size > Self.compactionFactor * memory.fileBytes ? memory.records : nil
    }
    guard let records else { return }
    do throws(FileError) {
      try file.replace(with: records)
    } catch {
      // The old file is as good, only larger.
      compactionBytes.store(2 * size, ordering: .relaxed)
      log.warning("the idempotency ledger cannot be compacted: \(error)")
    }
  }

  // MARK: Errors

  private static let remedy = "Try again, or use another --state-dir."

  private static var busy: CommandError {
    CommandError(
      .unavailable, "The idempotency ledger is locked by another process.", isRetryable: true,
      remedy: remedy)
  }

  private static var slow: CommandError {
    CommandError(
      .unavailable, "The idempotency ledger was not read and written in time.", isRetryable: true,
      remedy: remedy)
  }

  private static var full: CommandError {
    CommandError(
      .unavailable, "The idempotency ledger is full of keys without a known outcome.",
      remedy: "Remove its file while no host is running.")
  }

  private static func unusable(_ error: FileError) -> CommandError {
    CommandError(
      .unavailable, "The idempotency ledger cannot be used: \(error).",
      remedy: "Check its file and directory.")
  }
}
