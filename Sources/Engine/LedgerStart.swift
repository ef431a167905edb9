import Basics
import Delivery
import Synchronization

/// The start of a command in the idempotency ledger, which may be written later than the command begins.
final class LedgerStart: Sendable {
  private struct State {
    var isWritten: Bool
    var known: LedgerMemory.Entry?
  }

  let record: LedgerRecord
  /// Nil for a ledger in memory only.
  private let work: LedgerWork?
  private let state: Mutex<State>

  init(_ record: LedgerRecord, in work: LedgerWork?, isWritten: Bool) {
    self.record = record
    self.work = work
    state = Mutex(State(isWritten: isWritten))
  }

  var isWritten: Bool { state.withLock { $0.isWritten } }

  /// What another process has written about the key meanwhile; nil if nothing.
  var known: LedgerMemory.Entry? { state.withLock { $0.known } }

  /// - Throws: if the command must not run, also because the key is known.
  func write(until deadline: Deadline) async throws(CommandError) {
    guard let work else { return }
    let known = try await work.start(record, until: deadline)
    state.withLock { $0 = State(isWritten: known == nil, known: known) }
    if known != nil { throw .cancelled(outcome: .notApplied) }
  }

  /// Nothing was sent after all. A start that follows is written behind this record.
  func undo() {
    state.withLock { $0.isWritten = false }
    _ = work?.end(record.ending(.notApplied, at: record.time))
  }
}
