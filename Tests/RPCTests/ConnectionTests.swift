import Basics
import JSON
import Redaction
import Synchronization
import Testing

@testable import RPC

/// Answers at once, later or never, as the method says.
private final class Scripted: Handler {
  let connection: Connection
  let gate: Gate

  init(_ connection: Connection, _ gate: Gate) {
    self.connection = connection
    self.gate = gate
  }

  /// Too large to be copied.
  static let largeResult = JSONFragment { $0.string(String(repeating: "x", count: 100_000)) }

  func takes(_ call: Call) -> Bool { true }

  func inputEnded() { gate.noteEnd() }

  func error(_ refusal: Refusal, of method: String, _ params: JSON?) -> RPCError {
    RPCError(.commandFailed, "\(refusal)")
  }

  func handle(_ call: Call, _ reply: consuming Reply) -> Answered {
    let terms = Reply.Terms { RPCError(.requestCancelled, "\($0)") }
    switch call.method {
    case "now": return reply.result(redaction: .ownText) { $0.string("now") }
    case "large": return reply.ownResult(Self.largeResult)
    case "later":
      return reply.run(terms) { [gate] request in
        gate.noteStart()
        let wasOpened = await gate.wait()
        return wasOpened
          ? request.result(redaction: .ownText) { $0.string("later") }
          : request.error(RPCError(.requestCancelled, "cancelled"))
      }
    case "silent":
      let silent = Reply.Terms(isSilentWhenCancelled: true) { _ in RPCError(.invalidRequest, "") }
      return reply.run(silent) { [gate] request in
        gate.noteStart()
        _ = await gate.wait()
        return request.result(redaction: .ownText) { $0.string("silent") }
      }
    case "blocking":
      return reply.run(terms, on: .orderedFiles) { request in
        request.result(redaction: .ownText) { $0.string("blocking") }
      }
    case "cancel":
      let wasFound = RequestID(call.params?["id"] ?? JSONFragment.null.json).map(connection.cancel)
      return reply.result(redaction: .ownText) { $0.bool(wasFound == true) }
    case "shutdown":
      connection.shutDown()
      return reply.result(redaction: .ownText) { $0.null() }
    default: return reply.error(RPCError(.methodNotFound, "no"))
    }
  }
}

/// What the tests hold in their hands: when tasks go on, and how many have started.
private final class Gate: Sendable {
  private let waiting = Mutex<[Latch]?>([])
  private let started = Monitor(0)
  private let ended = Monitor(false)
  private let lane = BlockingWork("gate", threads: 1)

  /// - Returns: false if the task was cancelled before the gate opened.
  func wait() async -> Bool {
    let latch = waiting.withLock { waiting -> Latch? in
      guard waiting != nil else { return nil }
      let latch = Latch()
      waiting?.append(latch)
      return latch
    }
    return await latch?.wait() ?? true
  }

  func open() {
    let latches = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting ?? []
    }
    for latch in latches { latch.signal() }
  }

  func noteStart() {
    started.withLock { $0 += 1 }
    started.notify()
  }

  func noteEnd() {
    ended.withLock { $0 = true }
    ended.notify()
  }

  func waitForStarts(_ count: Int) async -> Bool {
    let isReached = try? await lane.run { [started] in
      started.wait(until: Deadline(inMilliseconds: 120_000)) { $0 >= count ? true : nil }
    }
    return isReached == true
  }

  func waitForEnd() async -> Bool {
    let hasEnded = try? await lane.run { [ended] in
      ended.wait(until: Deadline(inMilliseconds: 120_000)) { $0 ? true : nil }
    }
    return hasEnded == true
  }
}

@Suite struct ConnectionTests {
  private let gate = Gate()

  private func peer(
    _ change: (inout ConnectionLimits) -> Void = { _ in }
  ) throws -> ConnectionPeer {
    var limits = ConnectionLimits()
    // The tests of all rooms share the threads of tasks: on a busy machine one waits for long.
    limits.drainTimeoutSeconds = 600
    change(&limits)
    return try Connection.memoryPair(limits: limits) { [gate] in [Scripted($0, gate)] }
  }

  private func request(_ id: Int, _ method: String, _ params: String = "{}") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(params)}"#
  }

  private func result(_ id: Int, _ text: String) -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"result":\#(text)}"#
  }

  @Test func `every request gets its response, the last one without a line end too`() async throws {
    let peer = try peer()
    for id in 1...3 { peer.send(request(id, "now")) }
    peer.closeInput()
    #expect(await peer.receive(3) == (1...3).map { result($0, #""now""#) })
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a large result that is shared comes in its turn, also in a batch`() async throws {
    let peer = try peer()
    let large = Scripted.largeResult.text
    for (id, method) in [(1, "now"), (2, "large"), (3, "now"), (4, "large")] {
      peer.send(request(id, method))
    }
    peer.send("[\(request(5, "large")),\(request(6, "now"))]")
    #expect(
      await peer.receive(5) == [
        result(1, #""now""#), result(2, large), result(3, #""now""#), result(4, large),
        "[\(result(5, large)),\(result(6, #""now""#))]",
      ])
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `requests in flight are finished after the end of the input`() async throws {
    let peer = try peer()
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.closeInput()
    #expect(await gate.waitForEnd())
    gate.open()
    #expect(await peer.receive() == result(1, #""later""#))
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a request that does not finish before the drain timeout is cancelled and answered`()
    async throws
  {
    let peer = try peer { $0.drainTimeoutSeconds = 0 }
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.closeInput()
    #expect(await peer.receive()?.contains("-32800") == true)
    #expect(await peer.waitForEnding() == .unfinished)
  }

  @Test func `a second signal cancels what is left`() async throws {
    let peer = try peer()
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.connection.interrupt()
    #expect(await gate.waitForEnd())
    peer.connection.interrupt()
    #expect(await peer.receive()?.contains("-32800") == true)
    #expect(await peer.waitForEnding() == .unfinished)
  }

  @Test func `calls beyond the in-flight limit are parked, others are answered`() async throws {
    let peer = try peer { $0.maximumInFlight = 2 }
    for id in 1...5 { peer.send(request(id, "later")) }
    peer.send(request(6, "now"))
    #expect(await peer.receive() == result(6, #""now""#))
    #expect(await gate.waitForStarts(2))
    #expect((peer.connection.inFlight, peer.connection.parked) == (2, 3))
    peer.send(request(7, "cancel", #"{"id":4}"#))
    let responses = await peer.receive(2)
    #expect(responses.contains(result(7, "true")))
    #expect(responses.contains { $0.contains(#""id":4,"error""#) })
    #expect(peer.connection.parked == 2)
    gate.open()
    #expect(await peer.receive(4).count == 4)
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `the host stops reading if it may park nothing`() async throws {
    let peer = try peer {
      $0.maximumInFlight = 2
      $0.maximumParkedBytes = 0
    }
    for id in 1...3 { peer.send(request(id, "later")) }
    peer.send(request(4, "now"))
    #expect(await gate.waitForStarts(2))
    #expect((peer.connection.inFlight, peer.connection.parked) == (2, 0))
    gate.open()
    #expect(await peer.receive(4).count == 4)
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `parked calls start in the order of their lines`() async throws {
    let peer = try peer { $0.maximumInFlight = 1 }
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    for id in 2...300 { peer.send(request(id, "blocking")) }
    gate.open()
    let responses = await peer.receive(300)
    #expect(responses.dropFirst() == (2...300).map { result($0, #""blocking""#) }[...])
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a signal after the end of the input cancels at once`() async throws {
    let peer = try peer()
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.closeInput()
    #expect(await gate.waitForEnd())
    peer.connection.interrupt()
    #expect(await peer.receive()?.contains("-32800") == true)
    #expect(await peer.waitForEnding() == .unfinished)
  }

  @Test func `a batch gets an error per response that does not fit`() async throws {
    let peer = try peer { $0.maximumResultBytes = 250 }
    let members = (1...4).map { request($0, "now") }.joined(separator: ",")
    peer.send("[\(members)]")
    let line = try #require(await peer.receive())
    let responses = Array(try JSON.parse(line).elements)
    #expect(responses.count == 4)
    #expect(responses.map { $0["error"] != nil } == [false, false, true, true])
    peer.send(request(5, "now"))
    #expect(await peer.receive() == result(5, #""now""#))
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `responses of a batch come as one array, when the slowest is ready`() async throws {
    let peer = try peer()
    peer.send(
      "[\(request(1, "later")),\(request(2, "now")),{\"jsonrpc\":\"2.0\",\"method\":\"now\"}]")
    #expect(await gate.waitForStarts(1))
    peer.send(request(3, "now"))
    #expect(await peer.receive() == result(3, #""now""#))
    gate.open()
    #expect(await peer.receive() == "[\(result(2, #""now""#)),\(result(1, #""later""#))]")
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a cancelled request is answered once, and its id is free again`() async throws {
    let peer = try peer()
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.send(request(2, "cancel", #"{"id":1}"#))
    let responses = Set(await peer.receive(2))
    #expect(responses.contains(result(2, "true")))
    #expect(responses.contains { $0.contains(#""id":1"#) && $0.contains("-32800") })
    peer.send(request(1, "now"))
    #expect(await peer.receive() == result(1, #""now""#))
    peer.send(request(3, "cancel", #"{"id":1}"#))
    #expect(await peer.receive() == result(3, "false"))
    peer.closeInput()
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a request that is silent when cancelled gets no response`() async throws {
    let peer = try peer()
    peer.send(request(1, "silent"))
    #expect(await gate.waitForStarts(1))
    peer.send(request(2, "cancel", #"{"id":1}"#))
    peer.closeInput()
    #expect(await peer.receive() == result(2, "true"))
    #expect(await peer.waitForEnding() == .drained)
    #expect(await peer.receiveRest().isEmpty)
  }

  @Test func `cancels race with finishing, and every request is still answered exactly once`()
    async throws
  {
    let peer = try peer()
    let ids = Array(1...200)
    gate.open()
    for id in ids {
      peer.send(request(id, "later"))
      peer.send(request(10_000 + id, "cancel", #"{"id":\#(id)}"#))
    }
    peer.closeInput()
    var seen: [Int: Int] = [:]
    for _ in 0..<(2 * ids.count) {
      let line = try #require(await peer.receive())
      seen[Int(try #require(JSON.parse(line)["id"]?.integer)), default: 0] += 1
    }
    #expect(seen.count == 2 * ids.count && seen.values.allSatisfy { $0 == 1 })
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `blocking work is answered in the order of its requests`() async throws {
    let peer = try peer()
    for id in 1...20 { peer.send(request(id, "blocking")) }
    peer.closeInput()
    #expect(await peer.receive(20) == (1...20).map { result($0, #""blocking""#) })
  }

  @Test func `nothing is started after a shutdown, and every request is still answered`()
    async throws
  {
    let peer = try peer()
    peer.send(request(1, "shutdown") + "\n" + request(2, "now"))
    #expect(await peer.receive() == result(1, "null"))
    #expect(await peer.receive()?.contains("shutting down") == true)
    #expect(await peer.waitForEnding() == .drained)
  }

  @Test func `a reader that goes away cancels what is in flight`() async throws {
    let peer = try peer()
    peer.send(request(1, "later"))
    #expect(await gate.waitForStarts(1))
    peer.closeOutput()
    #expect(await peer.waitForEnding() == .outputClosed)
  }

  @Test func `a notification gets no response, whatever becomes of it`() async throws {
    let peer = try peer()
    for method in ["now", "later", "nothing", "blocking"] {
      peer.send(#"{"jsonrpc":"2.0","method":"\#(method)"}"#)
    }
    gate.open()
    peer.send(request(1, "now"))
    peer.closeInput()
    #expect(await peer.receive() == result(1, #""now""#))
    #expect(await peer.waitForEnding() == .drained)
  }
}

@Suite struct InFlightLimitTests {
  private let line = InputLine(bytes: 100)
  private let oneSlot: ConnectionLimits = {
    var limits = ConnectionLimits()
    limits.maximumInFlight = 1
    return limits
  }()

  @Test func `a suspended request gives its slot to the next and gets one back later`() async {
    let limit = InFlightLimit(oneSlot)
    #expect(limit.tryAcquire(line))
    limit.suspend()
    #expect(limit.tryAcquire(line))
    let resumed = Task { await limit.resume() }
    limit.release(.init(slots: 1))
    #expect(await resumed.value)
    #expect(limit.inFlight == 1)
    limit.release(.init(slots: 1))
    #expect(limit.waitUntilEmpty(until: Deadline(inMilliseconds: 120_000)) { false })
  }

  @Test func `closing refuses a suspended request, which still counts until it ends`() async {
    let limit = InFlightLimit(oneSlot)
    #expect(limit.tryAcquire(line))
    limit.suspend()
    #expect(limit.tryAcquire(line))
    let resumed = Task { await limit.resume() }
    limit.close()
    #expect(await !resumed.value)
    limit.release(.init(slots: 1))
    #expect(!limit.waitUntilEmpty(until: nil) { true })
    limit.endSuspended(heldLine: true)
    #expect(limit.waitUntilEmpty(until: nil) { true })
    #expect(!limit.tryAcquire(line))
  }
}
