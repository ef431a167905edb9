import Basics
import Crypto
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
    try self.init(directory: directory, log: log, budget: LedgerMemory.Budget()) {
      WallClock.nowMilliseconds
    }
  }

  /// - Parameter now: milliseconds since 1970.
  init(
    directory: String?, log: Log, budget: LedgerMemory.Budget,
    compactionBytes: Int = LedgerWork.minimumCompactionBytes, now: @escaping @Sendable () -> Int64
  ) throws(ConfigurationError) {
    let memory = SharedLedgerMemory(LedgerMemory(budget))
    do throws(FileError) {
      work = try directory.map { path throws(FileError) in
        LedgerWork(
          try LedgerFile(path + "/idempotency.jsonl"), memory, log: log,
          compactionBytes: compactionBytes, now: now)
      }
    } catch {
      throw ConfigurationError("--state-dir: \(error)")
    }
    self.memory = memory
    self.now = now
  }

  /// Runs `body` unless the key was used before on that connection. Otherwise returns the first
  /// result.
  ///
  /// - Throws: what `body` throws, which is remembered when the vendor may have acted; an error when
  ///   the key was used for another call, or when the ledger cannot be used before the deadline.
  func once(
    _ key: String, _ identity: Identity, readBack: String?, by deadline: InvocationDeadline,
    _ body: () async throws(CommandError) -> JSONFragment
  ) async throws(CommandError) -> JSONFragment {
    let (name, call) = try await Self.digests(key, identity, by: deadline.current)
    guard let entry = try await begin(name, call, deadline) else {
      return try await run(name, call, deadline, body)
    }
    if entry.call != call { throw Self.conflict }
    if case .done(let result) = entry.status, let fragment = result.fragment { return fragment }
    throw CommandError(
      .unavailable,
      "An earlier request with this idempotency key did not end with a known outcome.",
      outcome: .unknown,
      remedy: readBack.map {
        "It may have been applied: look with \($0), then use another key."
      } ?? "Look whether it was applied, then use another key.")
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

  /// - Returns: nil when the command is to be run, with its start on record; otherwise what is known
  ///   of the key.
  private func begin(
    _ name: String, _ call: String, _ deadline: InvocationDeadline
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
        let known: LedgerMemory.Entry?
        do throws(CommandError) {
          known = try await work.start(
            LedgerRecord(name: name, call: call, time: now(), end: .started),
            until: deadline.current)
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

  // MARK: End

  private func run(
    _ name: String, _ call: String, _ deadline: InvocationDeadline,
    _ body: () async throws(CommandError) -> JSONFragment
  ) async throws(CommandError) -> JSONFragment {
    do throws(CommandError) {
      let result = try await body()
      await end(name, call, .done(LedgerResult(Self.kept(result))), deadline)
      return result
    } catch {
      await end(name, call, error.outcome == .unknown ? .unknown : .notApplied, deadline)
      throw error
    }
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
    _ name: String, _ call: String, _ end: LedgerRecord.End, _ deadline: InvocationDeadline
  ) async {
    let record = LedgerRecord(name: name, call: call, time: now(), end: end)
    let pending = work?.end(record)
    release(name, applying: record)
    await pending?.wait(
      until: deadline.current.orEarlier(inMilliseconds: Self.endPatienceMilliseconds))
  }
}

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
