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
package final class IdempotencyLedger: Sendable {
  /// Keys that are remembered; the oldest make room.
  static let maximumKeys = 10_000
  /// Bytes of one result that is kept; of a larger one only that it succeeded.
  static let maximumResultBytes = 64 * 1_024
  /// Milliseconds that a key is remembered: a week.
  static let retentionMilliseconds: Int64 = 7 * 86_400_000

  struct Identity: Sendable {
    let connection: String
    let call: String
  }

  private enum Status: Sendable {
    /// Under way in this process; whoever comes meanwhile waits.
    case running([Latch], InvocationDeadline)
    /// Under way in another process, or it ended without a word.
    case startedElsewhere
    case done(JSONFragment)
    case failedUnknown
  }

  private struct Entry: Sendable {
    var call: String
    var status: Status
    var since: Int64
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var order: [String] = []
  }

  private let state = Mutex(State())
  private let file: LedgerFile?

  /// - Parameter directory: where the ledger is kept; nil for in memory only.
  package init(directory: String?, log: Log) throws(ConfigurationError) {
    do throws(FileError) {
      file = try directory.map { path throws(FileError) in
        try LedgerFile(path + "/idempotency.jsonl", log: log)
      }
    } catch {
      throw ConfigurationError("--state-dir: \(error)")
    }
  }

  /// Runs `body` unless the key was used before on that connection; then answers what it answered.
  ///
  /// - Throws: what `body` throws, which is remembered when the vendor may have acted; a refusal
  ///   when the key was used for another call.
  func once(
    _ key: String, _ identity: Identity, readBack: String?, by deadline: InvocationDeadline,
    _ body: () async throws(CommandError) -> JSONFragment
  ) async throws(CommandError) -> JSONFragment {
    let (name, call) = try Self.digests(key, identity)
    while true {
      switch try begin(name, call, deadline) {
      case .run: return try await run(name, call, body)
      case .answer(let result): return result
      case .wait(let latch, let first):
        guard await latch.wait(untilLatestOf: { deadline.orLater(first) }) else {
          throw Task.isCancelled
            ? .cancelled(outcome: .notApplied)
            : .timeout("The first request with this idempotency key", outcome: .unknown)
        }
      case .unknown:
        throw CommandError(
          .unavailable,
          "An earlier request with this idempotency key did not end with a known outcome.",
          outcome: .unknown,
          remedy: readBack.map {
            "It may have been applied: look with \($0), then use another key."
          } ?? "Look whether it was applied, then use another key.")
      }
    }
  }

  /// Names neither keys nor arguments in the file: both may be telling.
  private static func digests(
    _ key: String, _ identity: Identity
  ) throws(CommandError) -> (name: String, call: String) {
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

  private enum Turn {
    case run
    case answer(JSONFragment)
    /// Until the first one has ended, which has its own deadline.
    case wait(Latch, InvocationDeadline)
    case unknown
  }

  private func begin(
    _ name: String, _ call: String, _ deadline: InvocationDeadline
  ) throws(CommandError) -> Turn {
    let turn = state.withLock { state -> Result<Turn, CommandError> in
      Result { () throws(CommandError) in
        try withFile { records in
          for record in records { Self.apply(record, to: &state) }
          return Self.turn(name, call, deadline, &state)
        }
      }
    }
    return try turn.get()
  }

  /// Looks at what other processes wrote, and when it is this one's turn writes that down before
  /// anybody else can look.
  private func withFile(
    _ decide: ([LedgerFile.Record]) -> (Turn, LedgerFile.Record?, isConflict: Bool)
  ) throws(CommandError) -> Turn {
    let decision: (Turn, LedgerFile.Record?, isConflict: Bool)
    if let file {
      do throws(FileError) {
        decision = try file.exclusively(decide)
      } catch {
        throw CommandError(
          .unavailable, "The idempotency ledger cannot be used: \(error).",
          remedy: "Check --state-dir.")
      }
    } else {
      decision = decide([])
    }
    if decision.isConflict {
      throw CommandError(
        .validation,
        "The idempotency key was used for another call on this connection.",
        remedy: "Use a new key for a new call.")
    }
    return decision.0
  }

  private static func turn(
    _ name: String, _ call: String, _ deadline: InvocationDeadline, _ state: inout State
  ) -> (Turn, LedgerFile.Record?, isConflict: Bool) {
    let now = WallClock.nowMilliseconds
    if let entry = state.entries[name], now - entry.since < retentionMilliseconds {
      if entry.call != call { return (.run, nil, true) }
      switch entry.status {
      case .running(let latches, let first):
        let latch = Latch()
        state.entries[name]?.status = .running(latches + [latch], first)
        return (.wait(latch, first), nil, false)
      case .startedElsewhere, .failedUnknown: return (.unknown, nil, false)
      case .done(let result): return (.answer(result), nil, false)
      }
    }
    keep(Entry(call: call, status: .running([], deadline), since: now), name, &state)
    return (.run, LedgerFile.Record(name: name, call: call, time: now, end: .started), false)
  }

  private static func keep(_ entry: Entry, _ name: String, _ state: inout State) {
    if state.entries.updateValue(entry, forKey: name) == nil { state.order.append(name) }
    guard state.order.count > maximumKeys,
      // What is under way keeps its place: others wait for it.
      let oldest = state.order.firstIndex(where: { !isRunning(state.entries[$0]) })
    else { return }
    state.entries[state.order.remove(at: oldest)] = nil
  }

  private static func isRunning(_ entry: Entry?) -> Bool {
    if case .running = entry?.status { return true }
    return false
  }

  private static func apply(_ record: LedgerFile.Record, to state: inout State) {
    // What this process itself wrote is known already, and better.
    if case .running = state.entries[record.name]?.status { return }
    let status: Status
    switch record.end {
    case .started: status = .startedElsewhere
    case .done(let result): status = .done(result)
    case .unknown: status = .failedUnknown
    case .notApplied:
      state.entries[record.name] = nil
      state.order.removeAll { $0 == record.name }
      return
    }
    keep(Entry(call: record.call, status: status, since: record.time), record.name, &state)
  }

  private func run(
    _ name: String, _ call: String, _ body: () async throws(CommandError) -> JSONFragment
  ) async throws(CommandError) -> JSONFragment {
    do throws(CommandError) {
      let result = try await body()
      end(name, call, .done(Self.kept(result)))
      return result
    } catch {
      end(name, call, error.outcome == .unknown ? .unknown : .notApplied)
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

  private func end(_ name: String, _ call: String, _ end: LedgerFile.End) {
    let latches = state.withLock { state -> [Latch] in
      guard case .running(let latches, _) = state.entries[name]?.status else { return [] }
      // Under this lock: the file's own lock keeps other processes out, not other threads.
      file?.append(
        LedgerFile.Record(name: name, call: call, time: WallClock.nowMilliseconds, end: end))
      switch end {
      case .done(let result): state.entries[name]?.status = .done(result)
      case .unknown: state.entries[name]?.status = .failedUnknown
      case .notApplied, .started:
        state.entries[name] = nil
        state.order.removeAll { $0 == name }
      }
      return latches
    }
    for latch in latches { latch.signal() }
  }
}
