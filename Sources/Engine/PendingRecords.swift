import Basics

/// What has been answered and is not on the disk yet: ends of commands in the idempotency ledger,
/// and audit records.
extension Engine {
  /// Milliseconds that the end of the process waits for them at most.
  package static let pendingRecordsMilliseconds = 1_000

  /// Waits until they are written. Blocks, so it is not for a task.
  package func writePendingRecords(
    until deadline: Deadline = Deadline(inMilliseconds: pendingRecordsMilliseconds)
  ) {
    let finished = Monitor(false)
    Task.detached { [ledger, lines, audit, log] in
      async let isLedgerWritten = ledger.awaitPendingWrites(until: deadline)
      async let areLinesWritten = lines?.ledger.awaitPendingWrites(until: deadline) ?? true
      await audit?.flush(until: deadline)
      let isWritten = await (isLedgerWritten, areLinesWritten)
      if isWritten != (true, true) {
        log.error(
          "the idempotency ledger misses the end of commands, whose outcome is unknown from now on")
      }
      finished.withLock { $0 = true }
      finished.notify()
    }
    _ = finished.wait { $0 ? true : nil }
  }
}
