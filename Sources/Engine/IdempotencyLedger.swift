import Basics
import Crypto
import Delivery
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// What was done under which idempotency key.
///
/// With a state directory it is a file that all hosts on the machine share: a record before a
/// command starts and one when it has ended, so that after a crash in between the outcome is known
/// to be unknown.
///
/// State in memory is behind locks that are held for microseconds. The file is the business of
/// `LedgerWork`, which no caller waits for beyond its deadline.
package final class IdempotencyLedger: Sendable {
  /// Bytes of one result that is kept. Of a larger one only that it succeeded.
  static let maximumResultBytes = 64 * 1_024
  /// Milliseconds that an answer waits at most until the end of its command is in the file. The
  /// record is written in any case.
  static let endPatienceMilliseconds = 1_000

  struct Identity: Sendable {
    let connection: String
    let call: String
    /// Whether the key is that of a line of a request file, and not of the caller.
    var isOfLine = false
  }

  /// A command in flight in this process, also before its start is in the file.
  private struct Running: Sendable {
    let call: String
    let deadline: InvocationDeadline
    /// Callers with the same key.
    var waiters: [Latch] = []
  }

  private let running = Mutex<[String: Running]>([:])
  private let memory: SharedLedgerMemory
  /// Nil for a ledger in memory only.
  private let work: LedgerWork?
  private let now: @Sendable () -> Int64

  /// - Parameter directory: where the ledger is kept; nil for in memory only.
  package convenience init(directory: String?, log: Log) throws(ConfigurationError) {
    do throws(FileError) {
      try self.init(
        file: directory.map { $0 + "/idempotency.jsonl" }, log: log, budget: LedgerMemory.Budget())
    } catch {
      throw ConfigurationError("--state-dir: \(error)")
    }
  }

  /// - Parameters:
  ///   - path: nil for in memory only.
  ///   - now: milliseconds since 1970.
  init(
    file path: String?, log: Log, budget: LedgerMemory.Budget,
    compactionBytes: Int = LedgerWork.minimumCompactionBytes,
    now: @escaping @Sendable () -> Int64 = { WallClock.nowMilliseconds }
  ) throws(FileError) {
    let memory = SharedLedgerMemory(LedgerMemory(budget))
    work = try path.map { path throws(FileError) in
      LedgerWork(
        try LedgerFile(path), memory, log: log, compactionBytes: compactionBytes, now: now)
    }
    self.memory = memory
    self.now = now
  }

  /// Runs `body` unless the key was used before on that connection. Otherwise returns the first
  /// result.
  ///
  /// - Parameter firstSend: when the start is written: nothing is known of a key whose command was only
  ///   waiting when its process ended. Nil to write it before `body` runs.
  /// - Throws: what `body` throws, which is remembered when the vendor may have acted; an error when
  ///   the key was used for another call, or when the ledger cannot be used before the deadline.
  func once(
    _ key: String, _ identity: Identity, readBack: String?, startingAt firstSend: FirstSend? = nil,
    by deadline: InvocationDeadline, _ body: () async throws(CommandError) -> JSONFragment
  ) async throws(CommandError) -> JSONFragment {
    let (name, call) = try await Self.digests(key, identity, by: deadline.current)
    func result(of entry: LedgerMemory.Entry) throws(CommandError) -> JSONFragment {
      if case .done(let result) = entry.status, entry.call == call, let kept = result.fragment {
        return kept
      }
      throw Self.error(of: entry, for: call, identity, readBack: readBack)
    }
    if let known = try await begin(name, call, isStarted: firstSend == nil, deadline) {
      return try result(of: known)
    }
    let start = LedgerStart(
      LedgerRecord(name: name, call: call, time: now(), end: .started), in: work,
      isWritten: firstSend == nil)
    firstSend?.add(undo: start.undo, start.write)
    let ended = await run(start, deadline, body)
    // Another process has sent it in between.
    if let known = start.known { return try result(of: known) }
    return try ended.get()
  }

  /// Waits until the records of ended commands are in the file.
  ///
  /// - Returns: false when the deadline passed first.
  @discardableResult
  package func awaitPendingWrites(until deadline: Deadline) async -> Bool {
    await work?.awaitIdle(until: deadline) ?? true
  }

  /// Names neither keys nor arguments in the file: both may be telling.
  private static func digests(
    _ key: String, _ identity: Identity, by deadline: Deadline
  ) async throws(CommandError) -> (name: String, call: String) {
    do throws(BlockingWork.Interruption) {
      try await Libcrypto.open(until: deadline)
    } catch {
      throw CommandError(error, of: "Opening libcrypto")
    }
    do throws(CryptoError) {
      return (
        try Digest.hex(.sha256, Array("\(identity.connection)\n\(key)".utf8)),
        try Digest.hex(.sha256, Array(identity.call.utf8))
      )
    } catch {
      throw CommandError(
        .unavailable, "Idempotency keys need libcrypto: \(error.reason).",
        remedy: "Install OpenSSL 3 (Debian: libssl3) on this machine.")
    }
  }

  // MARK: Start

  private enum Turn {
    /// It is this caller's, for whom the key is now in `running`.
    case claimed
    case known(LedgerMemory.Entry)
    /// Until the first one has ended, which has its own deadline.
    case wait(Latch, InvocationDeadline)
    case conflict
  }

  /// - Parameter isStarted: whether the start is to be written.
  /// - Returns: nil when the command is to be run; otherwise what is known of the key.
  private func begin(
    _ name: String, _ call: String, isStarted: Bool, _ deadline: InvocationDeadline
  ) async throws(CommandError) -> LedgerMemory.Entry? {
    while true {
      switch turn(name, call, deadline) {
      case .known(let entry): return entry
      case .conflict: throw Self.conflict
      case .wait(let latch, let first):
        guard await latch.wait(untilLatestOf: { deadline.orLater(first) }) else {
          throw Task.isCancelled
            ? .cancelled(outcome: .notApplied)
            : .timeout("The first request with this idempotency key", outcome: .unknown)
        }
      case .claimed:
        guard let work else { return nil }
        let start = LedgerRecord(name: name, call: call, time: now(), end: .started)
        let known: LedgerMemory.Entry?
        do throws(CommandError) {
          known =
            isStarted
            ? try await work.start(start, until: deadline.current)
            : try await work.lookUp(start, until: deadline.current)
        } catch {
          release(name)
          throw error
        }
        if known != nil { release(name) }
        return known
      }
    }
  }

  private func turn(_ name: String, _ call: String, _ deadline: InvocationDeadline) -> Turn {
    running.withLock { running -> Turn in
      if let first = running[name] {
        if first.call != call { return .conflict }
        let latch = Latch()
        running[name]?.waiters.append(latch)
        return .wait(latch, first.deadline)
      }
      if let entry = memory.entry(name, now: now()) {
        // Whether another process has ended it since, only the file knows.
        guard case .started = entry.status else { return .known(entry) }
      }
      running[name] = Running(call: call, deadline: deadline)
      return .claimed
    }
  }

  /// Lets the callers with the same key look again.
  private func release(_ name: String, applying record: LedgerRecord? = nil) {
    let waiters = running.withLock { running in
      // Under this lock, so that no caller sees a key that is neither running nor ended.
      if let record { memory.apply([record], now: now()) }
      return running.removeValue(forKey: name)?.waiters ?? []
    }
    for waiter in waiters { waiter.signal() }
  }

  private static var conflict: CommandError {
    CommandError(
      .validation,
      "The idempotency key was used for another call on this connection.",
      remedy: "Use a new key for a new call.")
  }

  /// The error for a key that is known and has no result to return.
  private static func error(
    of entry: LedgerMemory.Entry, for call: String, _ identity: Identity, readBack: String?
  ) -> CommandError {
    if case .done = entry.status, entry.call != call { return conflict }
    guard identity.isOfLine else {
      if entry.call != call { return conflict }
      return CommandError(
        .unavailable,
        "An earlier request with this idempotency key did not end with a known outcome.",
        outcome: .unknown,
        remedy: readBack.map {
          "It may have been applied: look with \($0), then use another key."
        } ?? "Look whether it was applied, then use another key.")
    }
    // Also if the line was edited since: what it was may have been applied.
    return CommandError(
      .unavailable, "An earlier run ended before the outcome of this request was known.",
      outcome: .unknown,
      remedy: "It may have been applied: look"
        + (readBack.map { " with \($0)" } ?? "") + " before repeating it in another run.")
  }

  // MARK: End

  private func run(
    _ start: LedgerStart, _ deadline: InvocationDeadline,
    _ body: () async throws(CommandError) -> JSONFragment
  ) async -> Result<JSONFragment, CommandError> {
    let ended: Result<JSONFragment, CommandError>
    let end: LedgerRecord.End
    do throws(CommandError) {
      let result = try await body()
      (ended, end) = (.success(result), .done(LedgerResult(Self.kept(result))))
    } catch {
      (ended, end) = (.failure(error), error.outcome == .unknown ? .unknown : .notApplied)
    }
    if start.known == nil {
      await self.end(start, end, deadline)
    } else {
      release(start.record.name)
    }
    return ended
  }

  private static func kept(_ result: JSONFragment) -> JSONFragment {
    if result.bytes.count <= maximumResultBytes { return result }
    return JSONFragment { writer in
      writer.object { writer in
        writer.member("return_data", "Successful")
        writer.name("notices")
        writer.array {
          $0.string("The first result had more than \(maximumResultBytes) bytes and was not kept.")
        }
      }
    }
  }

  private func end(
    _ start: LedgerStart, _ end: LedgerRecord.End, _ deadline: InvocationDeadline
  ) async {
    let record = start.record.ending(end, at: now())
    if case .notApplied = end, !start.isWritten {
      // The file does not know this start. What it knows of the key is of another process.
      return release(record.name)
    }
    let pending = work?.end(record)
    release(record.name, applying: record)
    await pending?.wait(
      until: deadline.current.orEarlier(inMilliseconds: Self.endPatienceMilliseconds))
  }
}
