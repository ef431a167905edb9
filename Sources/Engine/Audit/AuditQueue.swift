import Basics
import Synchronization

/// The records that wait for the audit file, and the thread that writes them, many in one write.
final class AuditQueue: Sendable {
  /// Bytes of records that wait. Further ones are dropped, and counted in the log.
  static let maximumWaitingBytes = 16 * 1_024 * 1_024
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

  private let path: String
  private let log: Log
  private let writer: AuditWriter
  private let state = Mutex(State())

  init(_ path: String, log: Log) throws(FileError) {
    self.path = path
    self.log = log
    writer = try AuditWriter(path, log: log)
  }

  /// Whether the file took nothing at the last attempt.
  var isStalled: Bool { state.withLock { $0.isStalled } }

  /// - Parameter settle: called on any thread, and again if a record that was waiting is written.
  @discardableResult
  func add(
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

  /// Drops a record that is not written yet.
  func remove(_ number: UInt64) {
    state.withLock { state in
      guard let index = state.entries.firstIndex(where: { $0.number == number }) else {
        state.withdrawn.insert(number)
        return
      }
      state.waitingBytes -= state.entries.remove(at: index).record.bytes.count
    }
  }

  /// Closes the file and opens it anew, as after a rotation, before the next record is written.
  func reopen() {
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
  func flush(until deadline: Deadline) async -> Bool {
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

extension AuditQueue.State {
  /// - Returns: whether the lane must be started.
  fileprivate mutating func startWriting() -> Bool {
    defer { isWriting = true }
    return !isWriting
  }

  /// Puts the entries back, because another host has the lock.
  fileprivate mutating func postpone(
    _ entries: [AuditQueue.Entry]
  ) -> ([(AuditQueue.Entry, AuditQueue.Fate)], Int?) {
    putBack(entries)
    let pause = min(
      AuditQueue.firstLockPauseMilliseconds << min(lockPauses, 10),
      AuditQueue.longestLockPauseMilliseconds)
    lockPauses += 1
    // A host that is stopped within its write keeps the lock.
    if lockPauses * AuditQueue.longestLockPauseMilliseconds > AuditFile.patienceMilliseconds {
      isStalled = true
    }
    return ([], pause)
  }

  /// Keeps the entries for a stream that takes nothing, apart from those that cannot wait.
  fileprivate mutating func stall(
    _ entries: [AuditQueue.Entry], areTaken: Bool
  ) -> ([(AuditQueue.Entry, AuditQueue.Fate)], Int?) {
    isStalled = true
    if !areTaken { putBack(entries.filter { !$0.isUrgent }) }
    let pause = min(
      AuditQueue.firstPauseMilliseconds << min(pauses, 10), AuditQueue.longestPauseMilliseconds)
    pauses += 1
    return (entries.map { ($0, .waiting) }, pause)
  }

  private mutating func putBack(_ returned: [AuditQueue.Entry]) {
    let returned = returned.filter { !withdrawn.contains($0.number) }
    entries = returned + entries
    waitingBytes += returned.reduce(0) { $0 + $1.record.bytes.count }
  }
}
