import Synchronization

/// The memory of a ledger, for its callers and for the thread that reads the file.
final class SharedLedgerMemory: Sendable {
  private let memory: Mutex<LedgerMemory>

  init(_ memory: LedgerMemory) { self.memory = Mutex(memory) }

  func entry(_ name: String, now: Int64) -> LedgerMemory.Entry? {
    memory.withLock { $0.entry(name, now: now) }
  }

  var isFull: Bool { memory.withLock { $0.isFull } }

  func apply(_ records: [LedgerRecord], now: Int64) {
    memory.withLock { memory in for record in records { memory.apply(record, now: now) } }
  }

  func withLock<Result>(_ body: (inout LedgerMemory) -> sending Result) -> Result {
    memory.withLock { body(&$0) }
  }
}
