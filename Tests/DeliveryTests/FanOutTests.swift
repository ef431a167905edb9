import Basics
import HTTP
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Delivery

private final class Recorder: Sendable {
  private let list = Mutex<[Int]>([])
  var all: [Int] { list.withLock { $0 } }
  var count: Int { all.count }
  func add(_ number: Int) { list.withLock { $0.append(number) } }
}

/// How much of something runs at a time.
private final class Gauge: Sendable {
  private let state = Mutex((running: 0, most: 0))
  var most: Int { state.withLock { $0.most } }

  func enter() {
    state.withLock { state in
      state.running += 1
      state.most = max(state.most, state.running)
    }
  }

  func leave() { state.withLock { $0.running -= 1 } }
}

@Suite struct ConcurrentMapTests {
  @Test func `results are in the order of the elements, and the limit is kept`() async {
    let gauge = Gauge()
    let results = await concurrentMap(Array(0..<50), limit: 4) { number in
      gauge.enter()
      await Task.yield()
      gauge.leave()
      return number * 2
    }
    #expect(results == (0..<50).map { $0 * 2 })
    #expect((1...4).contains(gauge.most))
  }

  @Test func `after the last result no further element is started`() async {
    let isThird: @Sendable (Int) -> Bool = { $0 == 3 }
    let results = await concurrentMap(Array(0..<50), limit: 1, stoppingAfter: isThird) { $0 }
    #expect(results.prefix(4).map(\.self) == [0, 1, 2, 3])
    #expect(results.dropFirst(4).allSatisfy { $0 == nil })
  }

  @Test func `no elements are no work`() async {
    #expect(await concurrentMap([Int](), limit: 3) { $0 }.isEmpty)
  }
}

@Suite struct BatchTests {
  private static let done = BatchAnswer.settled(.success(TargetAnswer(nil)))

  @Test func `batches that are settled allow more of them at a time, up to four`() async {
    let (gauge, sizes) = (Gauge(), Recorder())
    let hold = (0..<8).map { _ in Latch() }
    let started = Recorder()
    let sending = Task {
      await sendInBatches(Array(0..<15), size: 2) { batch in
        gauge.enter()
        sizes.add(batch.count)
        started.add(batch[0] / 2)
        _ = await hold[batch[0] / 2].wait()
        gauge.leave()
        return batch.map { _ in Self.done }
      }
    }
    for (number, latch) in hold.enumerated() {
      while !started.all.contains(number) { await Task.pause(milliseconds: 1) }
      latch.signal()
    }
    let answers = await sending.value
    #expect(answers.count == 15 && answers.allSatisfy { $0?.settled != nil })
    #expect(sizes.all.reduce(0, +) == 15 && sizes.all.max() == 2)
    #expect((2...4).contains(gauge.most))
  }

  @Test func `after a batch that settled nothing no further one is sent`() async {
    let sent = Recorder()
    let answers = await sendInBatches(Array(0..<100), size: 10) { batch in
      sent.add(batch[0])
      return batch.map { _ in .notApplied }
    }
    #expect(sent.count <= 2)
    #expect(answers.allSatisfy { $0?.settled == nil })
    #expect(answers.count { $0 == nil } == 100 - 10 * sent.count)
  }

  @Test func `unresolved elements are left to be sent individually`() async {
    let settled = Recorder()
    let answers = await sendInBatches(Array(0..<4), size: 4) { _ in
      [Self.done, .notApplied, .mayHaveBeenApplied, Self.done]
    } onSettled: { position, _ in
      settled.add(position)
    }
    #expect(settled.all == [0, 3])
    guard case .notApplied = answers[1], case .mayHaveBeenApplied = answers[2] else {
      Issue.record("\(answers)")
      return
    }
  }

  @Test func `refused elements are sent again, in smaller batches`() async {
    let (sizes, attempts) = (Recorder(), Recorder())
    let answers = await sendInBatches(Array(0..<60), size: 25) { batch in
      sizes.add(batch.count)
      for number in batch { attempts.add(number) }
      return batch.enumerated().map { $0.offset < 12 ? Self.done : .refusedByRate }
    }
    #expect(answers.count == 60 && answers.allSatisfy { $0?.settled != nil })
    #expect(sizes.all.prefix(2) == [25, 25] && sizes.all.dropFirst(3).allSatisfy { $0 <= 12 })
    // 13 elements of each of the first two batches.
    #expect(attempts.count == 60 + 26)
  }

  @Test func `few refused elements are left to be sent individually`() async {
    let sent = Recorder()
    let answers = await sendInBatches(Array(0..<8), size: 25) { batch in
      sent.add(batch.count)
      return batch.map { $0 < 5 ? .refusedByRate : Self.done }
    }
    #expect(sent.all == [8] && answers.prefix(5).allSatisfy { $0?.isRefusedByRate == true })
  }

  @Test func `elements that are always refused end the batches`() async {
    let sent = Recorder()
    let answers = await sendInBatches(Array(0..<200), size: 25) { batch in
      sent.add(batch.count)
      return batch.map { _ in .refusedByRate }
    }
    #expect(sent.all == [25, 25, 6] && answers.allSatisfy { $0?.settled == nil })
  }

  @Test func `the pace follows the answers`() {
    func after(_ batches: [[BatchAnswer]]) -> [Int] {
      var pace = BatchPace(size: 25)
      for batch in batches { pace.record(batch) }
      return [pace.size, pace.batches]
    }
    let (good, refused) = ([Self.done], [Self.done, BatchAnswer.refusedByRate])
    let open = [BatchAnswer.notApplied]
    #expect(after([]) == [25, 2])
    #expect(after([good, good, good]) == [25, 4])
    #expect(after([good, good, refused]) == [12, 1])
    #expect(after([refused, refused, refused, refused]) == [6, 1])
    #expect(after([refused, refused, good]) == [12, 2])
    #expect(after([refused, good, good]) == [25, 3])
    #expect(after([good, open]) == [25, 1])
  }
}

extension Result<Int, CommandError> {
  fileprivate var status: Int? { try? get() }
}

@Suite struct CredentialGuardTests {
  /// Runs members that each send once with `credentials`, and once more after a 401.
  private func run(
    _ members: Int, limit: Int, on network: TestNetwork, guardedBy credentials: CredentialGuard
  ) async -> [Result<Int, CommandError>?] {
    let sender = network.sender()
    return await concurrentMap(Array(0..<members), limit: limit) { member in
      await credentials.run(member) { gate async throws(CommandError) in
        let own = sender.child(sendingThrough: gate)
        var request = HTTPRequest.sample
        request.credential = "\(member)"
        var response = try await own.send(request)
        if response.status == 401 { response = try await own.send(request) }
        guard response.isSuccess else { throw .upstream(response) }
        return response.status
      }
    }
  }

  @Test func `after a refusal nothing more is sent`() async {
    let network = TestNetwork(ScriptedTransport(statuses: 401))
    let credentials = CredentialGuard()
    let results = await run(50, limit: 1, on: network, guardedBy: credentials)
    #expect(network.transport.attempts.count == 2)
    #expect(credentials.refusal?.statusCode == 401)
    for result in results.dropFirst() {
      guard case .failure(let error) = result else {
        Issue.record("a member was sent")
        return
      }
      #expect(error.kind == .auth && error.outcome == .notApplied)
      #expect(error.message.hasPrefix("Not sent"))
    }
  }

  @Test func `after a 401 the others wait until its member has signed in again`() async {
    // The first attempt gets 401; its repetition, and all others, succeed.
    let transport = ScriptedTransport { (_, number) throws(TransportError) in
      HTTPResponse(status: number == 1 ? 401 : 200)
    }
    let network = TestNetwork(transport)
    let credentials = CredentialGuard()
    let (gate, other) = (Latch(), Latch())
    let sender = network.sender()
    let first = Task {
      await credentials.run(0) { permit async throws(CommandError) in
        let own = sender.child(sendingThrough: permit)
        _ = try await own.send(.sample)
        gate.signal()
        _ = await other.wait()
        return try await own.send(.sample).status
      }
    }
    _ = await gate.wait()
    let second = Task {
      await credentials.run(1) { permit async throws(CommandError) in
        try await sender.child(sendingThrough: permit).send(.sample).status
      }
    }
    // It waits on a deadline, and has not sent.
    #expect(await network.clock.nextPause(in: 60_000...60_000) != nil)
    #expect(transport.attempts.count == 1)
    other.signal()
    #expect(await first.value.status == 200)
    #expect(await second.value.status == 200)
    #expect(transport.attempts.count == 3)
  }

  @Test func `cancelling stops the members that have not sent`() async {
    let (entered, hold) = (Latch(), Latch())
    let transport = ScriptedTransport { (_, _) throws(TransportError) in
      entered.signal()
      _ = await hold.wait()
      throw TransportError(.cancelled, "cancelled", mayHaveArrived: true)
    }
    let network = TestNetwork(transport, concurrency: 1)
    let running = Task {
      await run(8, limit: 8, on: network, guardedBy: CredentialGuard())
    }
    _ = await entered.wait()
    running.cancel()
    let results = await running.value
    #expect(transport.attempts.count == 1)
    for result in results {
      guard case .failure(let error) = result else {
        Issue.record("a member succeeded")
        return
      }
      #expect(error.kind == .cancelled)
    }
  }
}
