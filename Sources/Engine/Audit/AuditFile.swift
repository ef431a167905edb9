import Basics
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// The audit file of a host: one line per event, in their order.
///
/// A file that takes nothing for now, such as a FIFO without a reader, delays no answer: its records
/// wait in memory.
package final class AuditFile: Sendable {
  /// Milliseconds that an answer waits at most until its record is written.
  static let patienceMilliseconds = 1_000
  let options: AuditOptions
  let origin: AuditOrigin
  let secrets: Redactor
  private let path: String
  private let queue: AuditQueue

  /// Appends to the file, which only its owner may read.
  package init(
    _ path: String, _ options: AuditOptions = AuditOptions(), secrets: Redactor, log: Log
  ) throws(ConfigurationError) {
    self.path = path
    self.options = options
    self.secrets = secrets
    origin = AuditOrigin()
    do throws(FileError) {
      queue = try AuditQueue(path, log: log)
    } catch {
      throw ConfigurationError("--audit: \(error)")
    }
  }

  // MARK: For callers

  /// Queues a record.
  func add(_ record: [UInt8]) { queue.add(record, isSynced: false, isUrgent: false, settle: nil) }

  /// Queues a record, and waits until it is written: until the deadline, a second at most. It does
  /// not wait while the file takes nothing.
  ///
  /// - Returns: whether it is written.
  @discardableResult
  func write(_ record: [UInt8], until deadline: Deadline) async -> Bool {
    guard !queue.isStalled else {
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
    let monitor = Monitor<AuditQueue.Fate?>(nil)
    let number = queue.add(record, isSynced: true, isUrgent: true) { fate in
      monitor.withLock { $0 = fate }
      monitor.notify()
    }
    let fate = monitor.wait(until: Deadline(inMilliseconds: Self.patienceMilliseconds)) { $0 }
    if let error = error(of: fate, number) { throw error }
  }

  private func settled(
    _ record: [UInt8], isSynced: Bool = false, isUrgent: Bool, until deadline: Deadline
  ) async -> (fate: AuditQueue.Fate?, number: UInt64) {
    let settlement = Settlement()
    let number = queue.add(record, isSynced: isSynced, isUrgent: isUrgent) { fate in
      settlement.fate.withLock { $0 = fate }
      settlement.latch.signal()
    }
    _ = await settlement.latch.wait(until: deadline)
    return (settlement.fate.withLock { $0 }, number)
  }

  private final class Settlement: Sendable {
    let fate = Mutex<AuditQueue.Fate?>(nil)
    let latch = Latch()
  }

  /// - Returns: nil if the record is written.
  private func error(of fate: AuditQueue.Fate?, _ number: UInt64) -> CommandError? {
    let reason: String
    switch fate {
    case .written: return nil
    case .lost(let text): reason = text
    case .waiting: reason = "\(path) takes nothing"
    case nil:
      queue.remove(number)
      if Task.isCancelled { return .cancelled(outcome: .notApplied) }
      reason = "\(path) was not written in time"
    }
    return CommandError(
      .unavailable, "The action cannot be recorded in the audit file: \(reason).",
      isRetryable: true, remedy: "Make the audit file writable; the host has --audit-required.")
  }

  /// Closes the file and opens it anew, as after a rotation, before the next record is written.
  package func reopen() { queue.reopen() }

  /// Waits until all records are written, and logs how many bytes are not.
  ///
  /// - Returns: false when the deadline passed first.
  @discardableResult
  package func flush(until deadline: Deadline) async -> Bool { await queue.flush(until: deadline) }
}
