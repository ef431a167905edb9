import Basics
import Glibc
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// The audit file of a host: one line per event, in their order.
///
/// A thread of the audit lane writes the records that wait, many in one write. A file that takes
/// nothing for now, such as a FIFO without a reader, delays no answer: its records wait in memory.
package final class AuditFile: Sendable {
  /// Bytes of records that wait. Further ones are dropped, and counted in the log.
  static let maximumWaitingBytes = 16 * 1_024 * 1_024
  /// Milliseconds that an answer waits at most until its record is written.
  static let patienceMilliseconds = 1_000
  /// Milliseconds between two attempts to write to a file that takes nothing: first and longest.
  fileprivate static let firstPauseMilliseconds = 20
  fileprivate static let longestPauseMilliseconds = 1_000
  /// The same for a file that another host has locked. A lock is held for the time of one write.
  fileprivate static let firstLockPauseMilliseconds = 1
  fileprivate static let longestLockPauseMilliseconds = 20

  /// What happened to a record.
  enum Fate: Sendable {
    case written
    /// It is written when the file takes something again.
    case waiting
    /// It never is.
    case lost(reason: String)
  }

  fileprivate struct Entry {
    let number: UInt64
    let record: AuditWriter.Record
    /// Whether it must be on the disk.
    let isSynced: Bool
    /// Whether it is dropped unless it can be written at once.
    let isUrgent: Bool
    let settle: (@Sendable (Fate) -> Void)?
  }

  fileprivate struct State {
    var entries: [Entry] = []
    /// Of the entries, and of the lines that a FIFO has not taken.
    var waitingBytes = 0
    var streamBytes = 0
    var count: UInt64 = 0
    /// Numbers of entries that the lane has at the moment, and that are not to be written later.
    var withdrawn: Set<UInt64> = []
    var dropped = 0
    /// Whether the lane, or a pause before it, has work.
    var isWriting = false
    /// The file took nothing at the last attempt.
    var isStalled = false
    /// The last attempt failed.
    var isFailing = false
    var lostWhileFailing = 0
    /// The next attempt opens the file anew.
    var reopens = false
    var lockPauses = 0
    var pauses = 0
    /// Of `flush`: until nothing waits.
    var flushLatches: [Latch] = []
  }

  let options: AuditOptions
  let origin: AuditOrigin
  let secrets: Redactor
  private let path: String
  private let log: Log
  private let writer: AuditWriter
  private let state = Mutex(State())

  /// Appends to the file, which only its owner may read.
  package init(
    _ path: String, _ options: AuditOptions = AuditOptions(), secrets: Redactor, log: Log
  ) throws(ConfigurationError) {
    self.path = path
    self.options = options
    self.secrets = secrets
    self.log = log
    origin = AuditOrigin()
    do throws(FileError) {
      writer = try AuditWriter(path, log: log)
    } catch {
      throw ConfigurationError("--audit: \(error)")
    }
  }

  // MARK: For callers

  /// Queues a record.
  func add(_ record: [UInt8]) { add(record, isSynced: false, isUrgent: false, settle: nil) }

  /// Queues a record, and waits until it is written: until the deadline, a second at most. It does
  /// not wait while the file takes nothing.
  ///
  /// - Returns: whether it is written.
  @discardableResult
  func write(_ record: [UInt8], until deadline: Deadline) async -> Bool {
    guard !state.withLock({ $0.isStalled }) else {
      add(record)
      return false
    }
    let deadline = deadline.orEarlier(inMilliseconds: Self.patienceMilliseconds)
    guard case .written = await settled(record, isUrgent: false, until: deadline).fate else {
      return false
    }
    return true
  }

  /// Writes a record to the disk before the action that it announces.
  ///
  /// - Throws: if it cannot be written by the deadline.
  func require(_ record: [UInt8], isSynced: Bool, until deadline: Deadline)
    async
    throws(CommandError)
  {
    let (fate, number) = await settled(
      record, isSynced: isSynced, isUrgent: true, until: deadline)
    if let error = error(of: fate, number) { throw error }
  }

  /// The same for a thread that may wait.
  func requireBlocking(_ record: [UInt8]) throws(CommandError) {
    let monitor = Monitor<Fate?>(nil)
    let number = add(record, isSynced: true, isUrgent: true) { fate in
      monitor.withLock { $0 = fate }
      monitor.notify()
    }
    let fate = monitor.wait(until: Deadline(inMilliseconds: Self.patienceMilliseconds)) { $0 }
    if let error = error(of: fate, number) { throw error }
  }

  private func settled(
    _ record: [UInt8], isSynced: Bool = false, isUrgent: Bool, until deadline: Deadline
  ) async -> (fate: Fate?, number: UInt64) {
    let settlement = Settlement()
    let number = add(record, isSynced: isSynced, isUrgent: isUrgent) { fate in
      settlement.fate.withLock { $0 = fate }
      settlement.latch.signal()
    }
    _ = await settlement.latch.wait(until: deadline)
    return (settlement.fate.withLock { $0 }, number)
  }

  private final class Settlement: Sendable {
    let fate = Mutex<Fate?>(nil)
    let latch = Latch()
  }

  /// - Returns: nil if the record is written.
  private func error(of fate: Fate?, _ number: UInt64) -> CommandError? {
    let reason: String
    switch fate {
    case .written: return nil
    case .lost(let text): reason = text
    case .waiting: reason = "\(path) takes nothing"
    case nil:
      remove(number)
      if Task.isCancelled { return .cancelled(outcome: .notApplied) }
      reason = "\(path) was not written in time"
    }
    return CommandError(
      .unavailable, "The action cannot be recorded in the audit file: \(reason).",
      isRetryable: true, remedy: "Make the audit file writable; the host has --audit-required.")
  }

  private func remove(_ number: UInt64) {
    state.withLock { state in
      guard let index = state.entries.firstIndex(where: { $0.number == number }) else {
        state.withdrawn.insert(number)
        return
      }
      state.waitingBytes -= state.entries.remove(at: index).record.bytes.count
    }
  }

  /// Closes the file and opens it anew, as after a rotation, before the next record is written.
  package func reopen() {
    let isFirst = state.withLock { state in
      state.reopens = true
      return state.startWriting()
    }
    if isFirst { startWriting() }
  }

  /// Waits until all records are written, and logs how many bytes are not.
  ///
  /// - Returns: false when the deadline passed first.
  @discardableResult
  package func flush(until deadline: Deadline) async -> Bool {
    let latch = state.withLock { state -> Latch? in
      guard state.isWriting else { return nil }
      let latch = Latch()
      state.flushLatches.append(latch)
      return latch
    }
    if await latch?.wait(until: deadline) ?? true { return true }
    let bytes = state.withLock { $0.waitingBytes + $0.streamBytes }
    log.error("\(bytes) bytes of audit records were not written to \(path)")
    return false
  }

  // MARK: Queue

  /// - Parameter settle: called on any thread, and again if a record that was waiting is written.
  @discardableResult
  private func add(
    _ bytes: [UInt8], isSynced: Bool, isUrgent: Bool, settle: (@Sendable (Fate) -> Void)?
  ) -> UInt64 {
    let record = AuditWriter.Record(bytes: bytes, milliseconds: WallClock.nowMilliseconds)
    let (number, isFirst) = state.withLock { state -> (UInt64?, Bool) in
      guard state.waitingBytes + state.streamBytes + bytes.count <= Self.maximumWaitingBytes else {
        state.dropped += 1
        return (nil, false)
      }
      state.count += 1
      state.waitingBytes += bytes.count
      state.entries.append(
        Entry(
          number: state.count, record: record, isSynced: isSynced, isUrgent: isUrgent,
          settle: settle))
      return (state.count, state.startWriting())
    }
    if isFirst { startWriting() }
    if number == nil { settle?(.lost(reason: "\(path) takes nothing, and its queue is full")) }
    return number ?? 0
  }

  private func startWriting() { BlockingWork.audit.submit { self.writeAll() } }

  private func startWriting(inMilliseconds milliseconds: Int) {
    Task.detached {
      await Task.pause(milliseconds: milliseconds)
      self.startWriting()
    }
  }

  // MARK: On the thread of the lane

  private func writeAll() {
    while let (entries, reopens) = next() {
      if reopens { writer.reopen() }
      guard !entries.isEmpty || writer.unwrittenBytes > 0 else { continue }
      let attempt = writer.write(
        entries.map(\.record), isSynced: entries.contains(where: \.isSynced))
      if let pause = finish(entries, attempt) { return startWriting(inMilliseconds: pause) }
    }
  }

  /// - Returns: nil when nothing is left to do.
  private func next() -> ([Entry], reopens: Bool)? {
    let (work, flushed) = state.withLock { state -> (([Entry], Bool)?, [Latch]) in
      guard !state.entries.isEmpty || state.streamBytes > 0 || state.reopens else {
        state.isWriting = false
        defer { state.flushLatches = [] }
        return (nil, state.flushLatches)
      }
      defer { (state.entries, state.waitingBytes, state.reopens) = ([], 0, false) }
      return ((state.entries, state.reopens), [])
    }
    for latch in flushed { latch.signal() }
    return work
  }

  /// - Returns: milliseconds until the next attempt; nil if it is due at once.
  private func finish(_ entries: [Entry], _ attempt: AuditWriter.Attempt) -> Int? {
    let streamBytes = writer.unwrittenBytes
    var isLocked = false
    let (settled, pause) = state.withLock { state -> ([(Entry, Fate)], Int?) in
      state.streamBytes = streamBytes
      defer { state.withdrawn = [] }
      if case .busy = attempt {
        let wasStalled = state.isStalled
        defer { isLocked = state.isStalled && !wasStalled }
        return state.postpone(entries)
      }
      (state.lockPauses, state.isStalled) = (0, false)
      switch attempt {
      case .written:
        state.pauses = 0
        return (entries.map { ($0, .written) }, nil)
      case .failed(let reason):
        return (entries.map { ($0, .lost(reason: reason)) }, nil)
      case .stalled(let areTaken): return state.stall(entries, areTaken: areTaken)
      case .busy: preconditionFailure("handled above")
      }
    }
    if isLocked { log.error("\(path) is locked by another process; its records wait") }
    report(attempt, count: entries.count)
    for (entry, fate) in settled { entry.settle?(fate) }
    return pause
  }

  private func report(_ attempt: AuditWriter.Attempt, count: Int) {
    let (dropped, lost, isNews) = state.withLock { state -> (Int, Int, Bool) in
      defer { state.dropped = 0 }
      switch attempt {
      case .failed:
        defer { state.isFailing = true }
        state.lostWhileFailing += count
        return (state.dropped, 0, !state.isFailing)
      case .written:
        defer { (state.isFailing, state.lostWhileFailing) = (false, 0) }
        return (state.dropped, state.lostWhileFailing, state.isFailing)
      case .busy, .stalled: return (state.dropped, 0, false)
      }
    }
    if dropped > 0 { log.error("\(dropped) audit records were dropped: \(path) takes nothing") }
    guard isNews else { return }
    if case .failed(let reason) = attempt {
      log.error("the audit file cannot be written, and its records are lost: \(reason)")
    } else {
      log.error("the audit file is written again; \(lost) records were lost")
    }
  }
}

extension AuditFile.State {
  /// - Returns: whether the lane must be started.
  fileprivate mutating func startWriting() -> Bool {
    defer { isWriting = true }
    return !isWriting
  }

  /// Puts the entries back, because another host has the lock.
  fileprivate mutating func postpone(
    _ entries: [AuditFile.Entry]
  ) -> ([(AuditFile.Entry, AuditFile.Fate)], Int?) {
    putBack(entries)
    let pause = min(
      AuditFile.firstLockPauseMilliseconds << min(lockPauses, 10),
      AuditFile.longestLockPauseMilliseconds)
    lockPauses += 1
    // A host that is stopped within its write keeps the lock.
    if lockPauses * AuditFile.longestLockPauseMilliseconds > AuditFile.patienceMilliseconds {
      isStalled = true
    }
    return ([], pause)
  }

  /// Keeps the entries for a stream that takes nothing, apart from those that cannot wait.
  fileprivate mutating func stall(
    _ entries: [AuditFile.Entry], areTaken: Bool
  ) -> ([(AuditFile.Entry, AuditFile.Fate)], Int?) {
    isStalled = true
    if !areTaken { putBack(entries.filter { !$0.isUrgent }) }
    let pause = min(
      AuditFile.firstPauseMilliseconds << min(pauses, 10), AuditFile.longestPauseMilliseconds)
    pauses += 1
    return (entries.map { ($0, .waiting) }, pause)
  }

  private mutating func putBack(_ returned: [AuditFile.Entry]) {
    let returned = returned.filter { !withdrawn.contains($0.number) }
    entries = returned + entries
    waitingBytes += returned.reduce(0) { $0 + $1.record.bytes.count }
  }
}
