import Basics
import Glibc
import JSON
import Synchronization
import Testing

@testable import Delivery
@testable import Engine
@testable import IntegrationKit

/// Milliseconds since 1970, as a test sets them.
private final class Clock: Sendable {
  private let time = Atomic<Int64>(1_700_000_000_000)

  var now: Int64 { time.load(ordering: .relaxed) }
  func advance(milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
}

/// How often commands ran, by key.
private final class Runs: Sendable {
  private let counts = Mutex<[Int: Int]>([:])

  var all: [Int: Int] { counts.withLock { $0 } }
  func add(_ key: Int) { counts.withLock { $0[key, default: 0] += 1 } }
}

/// One process with the ledger.
private struct Process {
  let ledger: IdempotencyLedger

  init(
    _ directory: String?, _ state: TemporaryState, _ clock: Clock = Clock(),
    budget: LedgerMemory.Budget = .init(), compactionBytes: Int = 1 << 20
  ) throws {
    ledger = try IdempotencyLedger(
      file: directory.map { $0 + "/idempotency.jsonl" }, log: state.log, budget: budget,
      compactionBytes: compactionBytes
    ) { clock.now }
  }

  func call(
    _ key: String, _ call: String = "call", milliseconds: Int = 60_000,
    _ body: () async throws(CommandError) -> JSONFragment
  ) async -> Result<JSONFragment, CommandError> {
    do throws(CommandError) {
      return .success(
        try await ledger.once(
          key, .init(connection: "c", call: call), readBack: nil,
          by: InvocationDeadline(Deadline(inMilliseconds: milliseconds)), body))
    } catch {
      return .failure(error)
    }
  }

  /// Runs a command whose start is written at its first send.
  func send(
    _ key: String, sends: Int = 1, refusedBefore: Bool = false,
    _ beforeSend: () async throws(CommandError) -> Void = {}
  ) async -> Result<JSONFragment, CommandError> {
    let firstSend = FirstSend()
    let deadline = InvocationDeadline(Deadline(inMilliseconds: 60_000))
    do throws(CommandError) {
      return .success(
        try await ledger.once(
          key, .init(connection: "c", call: "call"), readBack: nil, startingAt: firstSend,
          by: deadline
        ) { () throws(CommandError) in
          try await beforeSend()
          for _ in 0..<sends { try await firstSend.pass(until: deadline.current) }
          if refusedBefore { firstSend.refused() }
          return JSONFragment { $0.string("sent \(key)") }
        })
    } catch {
      return .failure(error)
    }
  }

  /// The result, and whether the body ran.
  func run(_ key: String, _ call: String = "call") async -> (text: String, ran: Bool) {
    var ran = false
    let result = await self.call(key, call) { () throws(CommandError) in
      ran = true
      return JSONFragment { $0.string("result of \(key)") }
    }
    switch result {
    case .success(let fragment): return (fragment.text, ran)
    case .failure(let error): return (error.kind.rawValue, ran)
    }
  }
}

@Suite struct IdempotencyLedgerTests {
  private let state = TemporaryState()
  private let clock = Clock()

  private func process(
    _ budget: LedgerMemory.Budget = .init(), compactionBytes: Int = 1 << 20
  ) throws -> Process {
    try Process(state.path, state, clock, budget: budget, compactionBytes: compactionBytes)
  }

  private let done = JSONFragment { $0.string("done") }

  @Test(arguments: [true, false])
  func `a key runs once`(isInMemory: Bool) async throws {
    let process = try Process(isInMemory ? nil : state.path, state)
    #expect(await process.run("k") == (#""result of k""#, true))
    #expect(await process.run("k") == (#""result of k""#, false))
    #expect(await process.run("other") == (#""result of other""#, true))
    #expect(await process.run("k", "another call") == ("validation", false))
  }

  @Test func `the start is written at the first send, once`() async throws {
    let process = try process()
    let sent = await process.send("k", sends: 3) { () throws(CommandError) in
      #expect(state.content().isEmpty)
    }
    #expect((try? sent.get())?.text == #""sent k""#)
    #expect(state.content().split(separator: "\n").map { $0.contains("started") } == [true, false])
  }

  @Test func `a start is undone if everything was refused`() async throws {
    let process = try process()
    _ = await process.send("k", refusedBefore: true)
    let lines = state.content().split(separator: "\n")
    #expect(lines.map { $0.contains("not_applied") } == [false, true, false])
  }

  @Test func `what another process sends meanwhile is not sent again`() async throws {
    let (first, second) = (try process(), try process())
    let sent = await first.send("k") { () throws(CommandError) in
      _ = await second.send("k")
    }
    #expect((try? sent.get())?.text == #""sent k""#)
    #expect(state.content().split(separator: "\n").count == 2)
  }

  @Test func `a key is known to another process, and after a restart`() async throws {
    let (first, second) = (try process(), try process())
    #expect(await first.run("k").ran)
    #expect(await second.run("k") == (#""result of k""#, false))
    #expect(await second.run("l").ran)
    #expect(await first.run("l") == (#""result of l""#, false))
    #expect(try await process().run("k") == (#""result of k""#, false))
  }

  @Test func `callers at the same time share one run`() async throws {
    let process = try process()
    let runs = Runs()
    await withTaskGroup(of: String?.self) { group in
      for _ in 0..<200 {
        group.addTask {
          let result = await process.call("k") { () throws(CommandError) in
            runs.add(0)
            await Task.pause(milliseconds: 5)
            return JSONFragment { $0.string("x") }
          }
          return try? result.get().text
        }
      }
      for await text in group { #expect(text == #""x""#) }
    }
    #expect(runs.all == [0: 1])
  }

  @Test func `a failure without effect frees the key, another one does not`() async throws {
    let (first, second) = (try process(), try process())
    for outcome in [CommandError.Outcome.notApplied, .unknown] {
      let result = await first.call("\(outcome)") { () throws(CommandError) in
        throw CommandError(.network, "Gone.", outcome: outcome)
      }
      #expect(throws: CommandError.self) { try result.get() }
    }
    for process in [first, second] {
      #expect(await process.run("unknown") == ("unavailable", false))
    }
    #expect(await second.run("notApplied").ran)
    #expect(await first.run("notApplied").ran == false)
  }

  @Test func `a key that another process has started is not run`() async throws {
    let (first, second) = (try process(), try process())
    let result = await first.call("k") { () throws(CommandError) in
      #expect(await second.run("k") == ("unavailable", false))
      return self.done
    }
    #expect(try result.get().text == #""done""#)
    #expect(await second.run("k") == (#""done""#, false))
  }

  @Test func `a key is free after the retention`() async throws {
    let process = try process(.init(retentionMilliseconds: 1_000))
    #expect(await process.run("k").ran)
    clock.advance(milliseconds: 999)
    #expect(await process.run("k").ran == false)
    clock.advance(milliseconds: 1)
    #expect(await process.run("k").ran)
  }

  // MARK: A lock that is held

  @Test func `while the lock is held a new key fails at its deadline and is not run`() async throws
  {
    let process = try process()
    #expect(await process.run("known").ran)
    let other = state.otherDescriptor()
    defer { close(other) }
    #expect(FileLock.tryLock(other) == 0)
    var message = ""
    // On a machine without a free processor the deadline may pass before the lock is tried.
    for _ in 0..<100 where !message.contains("locked") {
      let result = await process.call("k", milliseconds: 50) { () throws(CommandError) in
        Issue.record("it ran")
        return self.done
      }
      let error = try #require(throws: CommandError.self) { try result.get() }
      #expect((error.kind, error.statusCode, error.isRetryable) == (.unavailable, 503, true))
      #expect(error.outcome == .notApplied)
      message = error.message
    }
    #expect(message == "The idempotency ledger is locked by another process.")
    // A finished key needs no lock.
    #expect(await process.run("known") == (#""result of known""#, false))
    FileLock.unlock(other)
    #expect(await process.run("k").ran)
    #expect(state.lines.count == 4, "nothing is left of the request that failed")
  }

  @Test func `the end is written after the answer when the lock is held then`() async throws {
    let (first, second) = (try process(), try process())
    let other = state.otherDescriptor()
    defer { close(other) }
    let result = await first.call("k") { () throws(CommandError) in
      #expect(FileLock.tryLock(other) == 0)
      return self.done
    }
    #expect(try result.get().text == #""done""#, "the answer does not wait for the lock")
    #expect(await first.ledger.awaitPendingWrites(until: Deadline(inMilliseconds: 20)) == false)
    #expect(await first.run("k") == (#""done""#, false))
    FileLock.unlock(other)
    #expect(await first.ledger.awaitPendingWrites(until: Deadline(inMilliseconds: 120_000)))
    #expect(await second.run("k") == (#""done""#, false))
  }

  @Test func `ends and starts of one key are written in their order`() async throws {
    let process = try process()
    for round in 0..<50 {
      _ = await process.call("k", milliseconds: round % 3 == 0 ? 0 : 60_000) {
        () throws(CommandError) in
        throw CommandError(.network, "Gone.")
      }
    }
    #expect(await process.ledger.awaitPendingWrites(until: Deadline(inMilliseconds: 120_000)))
    let ends = state.lines.map { $0.contains("started") }
    #expect(ends == (0..<ends.count).map { $0 % 2 == 0 })
    #expect(await process.run("k").ran)
  }

  @Test func `cancellation ends the wait for the lock`() async throws {
    let process = try process()
    let other = state.otherDescriptor()
    defer { close(other) }
    #expect(FileLock.tryLock(other) == 0)
    let waiting = Task { [done] in
      await process.call("k") { () throws(CommandError) in done }
    }
    await Task.pause(milliseconds: 20)
    waiting.cancel()
    let result = await waiting.value
    let error = try #require(throws: CommandError.self) { try result.get() }
    #expect(error.kind == .cancelled)
  }

  @Test func `no key runs twice while callers come and go and the lock is taken away`() async throws
  {
    let processes = [try process(), try process()]
    let runs = Runs()
    let other = state.otherDescriptor()
    defer { close(other) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for _ in 0..<20 {
          if FileLock.tryLock(other) == 0 {
            await Task.pause(milliseconds: 5)
            FileLock.unlock(other)
          }
          await Task.pause(milliseconds: 2)
        }
      }
      for number in 0..<400 {
        group.addTask { [done] in
          _ = await processes[number % 2].call(
            "\(number / 8)", milliseconds: 1 + number % 40
          ) { () throws(CommandError) in
            runs.add(number / 8)
            return done
          }
        }
      }
    }
    #expect(runs.all.values.max() ?? 0 <= 1)
    for process in processes {
      #expect(await process.ledger.awaitPendingWrites(until: Deadline(inMilliseconds: 120_000)))
    }
    // Every key was run, or is free.
    let third = try process()
    for key in 0..<50 {
      let isDone = runs.all[key] != nil
      let (text, ran) = await third.run("\(key)")
      #expect(isDone ? (text == #""done""# && !ran) : ran, "key \(key): \(text)")
    }
  }

  // MARK: Compaction

  @Test func `a file with much that is past is compacted, and nothing that counts is lost`()
    async throws
  {
    let budget = LedgerMemory.Budget(keys: 20)
    let process = try process(budget, compactionBytes: 20_000)
    for key in 0..<200 { #expect(await process.run("\(key)").ran) }
    #expect(state.lines.count < 150)
    for process in [process, try self.process(budget)] {
      for key in 180..<200 { #expect(await process.run("\(key)").ran == false) }
    }
  }

  @Test func `another process goes on in the compacted file`() async throws {
    let budget = LedgerMemory.Budget(keys: 20)
    let compacting = try process(budget, compactionBytes: 10_000)
    let other = try process(budget)
    let result = await other.call("running") { () throws(CommandError) in
      #expect(await other.run("old").ran)
      let failed = await compacting.call("free") { () throws(CommandError) in
        #expect(await other.run("free") == ("unavailable", false))
        throw CommandError(.network, "Gone.")
      }
      #expect(throws: CommandError.self) { try failed.get() }
      for key in 0..<200 { #expect(await compacting.run("\(key)").ran) }
      #expect(self.state.lines.count < 150)
      #expect(await compacting.run("running") == ("unavailable", false))
      #expect(await other.run("free").ran, "what ended without effect is free")
      #expect(await other.run("199") == (#""result of 199""#, false))
      return self.done
    }
    #expect(try result.get().text == #""done""#)
    for process in [other, compacting, try process(budget)] {
      #expect(await process.run("running") == (#""done""#, false))
    }
  }

  @Test func `processes that compact against each other run no key twice`() async throws {
    let budget = LedgerMemory.Budget(keys: 1_000)
    let processes = try (0..<3).map { _ in try process(budget, compactionBytes: 2_000) }
    let runs = Runs()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<900 {
        group.addTask { [done] in
          let key = number / 3
          _ = await processes[number % 3].call("\(key)") { () throws(CommandError) in
            runs.add(key)
            if key % 4 == 0 { throw CommandError(.network, "Gone.", outcome: .unknown) }
            return done
          }
        }
      }
    }
    #expect(runs.all == Dictionary(uniqueKeysWithValues: (0..<300).map { ($0, 1) }))
  }

  // MARK: What is in the file

  @Test func `invalid lines are said once and trap nothing`() async throws {
    let extreme = ["-9223372036854775808", "9223372036854775807", "-1"].map {
      #"{"key":"0a","call":"0b","time":\#($0),"end":"started"}"#
    }
    state.write(extreme.joined(separator: "\n") + "\n\0\u{FFFD}\n{\"key\":\"half")
    let process = try process()
    for key in ["a", "b", "c"] { #expect(await process.run(key).ran) }
    #expect(await state.eventually { state.content("log").contains("5 lines") })
    #expect(state.content("log").split(separator: "\n").count == 1)
    #expect(try await self.process().run("c").ran == false)
  }

  @Test func `beyond too many keys without an end a new one is refused, and none is forgotten`()
    async throws
  {
    state.write(
      (0..<3).map {
        "{\"key\":\"0\($0)\",\"call\":\"0b\",\"time\":\(clock.now),\"end\":\"started\"}\n"
      }
      .joined())
    let process = try process(.init(unfinishedKeys: 3))
    #expect(await process.run("k") == ("unavailable", false))
    #expect(state.lines.count == 3)
    #expect(try await self.process(.init(unfinishedKeys: 4)).run("k").ran)
  }

  @Test func `a file that cannot be written is an error, and nothing runs`() async throws {
    let process = try process()
    #expect(await process.run("k").ran)
    try #require(unlink(state.ledger) == 0 && mkdir(state.ledger, 0o700) == 0)
    let result = await process.call("l") { () throws(CommandError) in
      Issue.record("it ran")
      return self.done
    }
    let error = try #require(throws: CommandError.self) { try result.get() }
    #expect((error.kind, error.outcome) == (.unavailable, .notApplied))
    #expect(await process.run("k").ran == false)
  }
}
