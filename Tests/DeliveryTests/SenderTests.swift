import Basics
import HTTP
import RateLimits
import Synchronization
import TestSupport
import Testing

@testable import Delivery

private let interrupted = TransportError(.interrupted, "the connection broke", mayHaveArrived: true)
private let refused = TransportError(.cannotConnect, "nobody listens", mayHaveArrived: false)

/// A send in a separate task, whose waits the test ends.
private func start(
  _ sender: Sender, _ request: HTTPRequest = .sample
) -> Task<Result<HTTPResponse, CommandError>, Never> {
  Task {
    do throws(CommandError) {
      return .success(try await sender.send(request))
    } catch {
      return .failure(error)
    }
  }
}

extension Result<HTTPResponse, CommandError> {
  fileprivate var status: Int? { (try? get())?.status }
  fileprivate var error: CommandError? {
    if case .failure(let error) = self { error } else { nil }
  }
}

@Suite struct RetryTests {
  @Test func `the back-off of a read doubles, and its fourth attempt is the last`() async {
    let network = TestNetwork(ScriptedTransport(statuses: 503))
    let sender = network.sender()
    let sending = start(sender)
    for longest in [250, 500, 1_000] {
      let pause = await network.clock.nextPause(in: longest / 2...longest)
      network.clock.advance(milliseconds: pause ?? 0)
    }
    #expect(await sending.value.status == 503)
    #expect(network.transport.attempts.count == 4)
    #expect(sender.counters.retries == 3 && sender.counters.requests == 4)
    #expect(sender.counters.waitedMilliseconds == network.clock.elapsed)
  }

  @Test func `a write is not retried after 503, and its outcome is unknown`() async {
    let network = TestNetwork(ScriptedTransport(statuses: 503))
    let sender = network.sender(.write)
    #expect(await start(sender).value.status == 503)
    #expect(network.transport.attempts.count == 1)
    #expect(sender.outcomeAfterSending == .unknown)
  }

  @Test func `a write is not retried after a broken connection`() async {
    let network = TestNetwork(ScriptedTransport([.failure(interrupted)]))
    let error = await start(network.sender(.write)).value.error
    #expect(network.transport.attempts.count == 1)
    #expect(error?.kind == .network && error?.outcome == .unknown)
    #expect(error?.remedy?.contains("list_groups") == true)
  }

  @Test(arguments: [Operation.read, .write, .idempotentWrite])
  func `a request that did not arrive is retried whatever it does`(operation: Operation) async {
    let network = TestNetwork(
      ScriptedTransport([.failure(refused), .success(HTTPResponse(status: 200))]))
    let sending = start(network.sender(operation))
    let pause = await network.clock.nextPause(in: 125...250)
    network.clock.advance(milliseconds: pause ?? 0)
    #expect(await sending.value.status == 200)
  }

  @Test func `a retried write that fails with 400 may have been applied before`() async {
    let network = TestNetwork(
      ScriptedTransport([.failure(interrupted), .success(HTTPResponse(status: 400))]))
    let sender = network.sender(.idempotentWrite)
    let sending = start(sender)
    let pause = await network.clock.nextPause(in: 125...250)
    network.clock.advance(milliseconds: pause ?? 0)
    #expect(await sending.value.status == 400)
    let error = sender.withRemedy(CommandError(.upstream, "Bad Request."))
    #expect(error.outcome == .unknown && error.remedy?.contains("list_devices") == true)
  }

  @Test func `a tracked request is not retried, even if it only reads`() async {
    let network = TestNetwork(ScriptedTransport(statuses: 503))
    var request = HTTPRequest.sample
    request.callerResolvesOutcome = true
    #expect(await start(network.sender(), request).value.status == 503)
    #expect(network.transport.attempts.count == 1)
  }

  @Test func `Retry-After is the wait, and it is announced`() async {
    let busy = HTTPResponse(status: 429, headers: [("retry-after", "7")])
    let network = TestNetwork(
      ScriptedTransport([.success(busy), .success(HTTPResponse(status: 200))]))
    let notices = Notices()
    let sending = start(network.sender(.write, notifyWait: notices.add))
    #expect(await network.clock.nextPause(in: 7_000...7_000) != nil)
    let wall = network.clock.wallMilliseconds
    #expect(notices.all == [Notice(reason: "rate_limited", resumeAt: wall + 7_000)])
    network.clock.advance(milliseconds: 7_000)
    #expect(await sending.value.status == 200)
    #expect(network.transport.attempts.count == 2)
  }

  @Test func `a retry that cannot be in time is not waited for`() async {
    let busy = HTTPResponse(status: 429, headers: [("retry-after", "7")])
    let network = TestNetwork(ScriptedTransport([.success(busy)]))
    #expect(await start(network.sender(milliseconds: 6_999)).value.status == 429)
    #expect(network.clock.elapsed == 0 && network.transport.attempts.count == 1)
  }

  @Test func `a cancelled back-off ends the request`() async {
    let network = TestNetwork(ScriptedTransport(statuses: 503))
    let sending = start(network.sender())
    #expect(await network.clock.nextPause(in: 125...250) != nil)
    sending.cancel()
    #expect(await sending.value.error?.kind == .cancelled)
    #expect(network.transport.attempts.count == 1)
  }

  @Test func `the random share is read before a back-off only`() {
    var reads = 0
    func share() -> Double {
      reads += 1
      return 0
    }
    let policy = RetryPolicy()
    _ = policy.delay(
      afterStatus: 200, retryAfterMilliseconds: nil, attempt: 1, isRepeatable: true,
      randomness: share())
    #expect(reads == 0)
    _ = policy.delay(
      afterStatus: 503, retryAfterMilliseconds: nil, attempt: 1, isRepeatable: true,
      randomness: share())
    #expect(reads == 1)
  }
}

private struct Notice: Equatable, Sendable {
  let reason: String
  let resumeAt: Int64
}

private final class Notices: Sendable {
  private let list = Mutex<[Notice]>([])
  var all: [Notice] { list.withLock { $0 } }
  var add: Sender.WaitNotice {
    { [self] reason, time in list.withLock { $0.append(Notice(reason: reason, resumeAt: time)) } }
  }
}

@Suite struct DeadlineTests {
  private static let limit = ["default": RateLimit(requests: 1, perSeconds: 10)]

  @Test func `a given deadline stays, and a wait beyond it fails fast`() async {
    let network = TestNetwork(limits: Self.limit)
    let sender = network.sender(milliseconds: 5_000)
    #expect(await start(sender).value.status == 200)
    let error = await start(sender).value.error
    #expect(error?.kind == .rateLimited && error?.retryAfterMilliseconds == 10_250)
    #expect(error?.outcome == .notApplied && network.clock.elapsed == 0)
  }

  @Test func `without a given deadline, waits for rate limits are added`() async {
    let network = TestNetwork(limits: Self.limit)
    let sender = network.sender()
    _ = await start(sender).value
    let second = start(sender)
    #expect(await network.clock.nextPause(in: 10_250...10_250) != nil)
    network.clock.advance(milliseconds: 10_250)
    #expect(await second.value.status == 200)
    let deadlines = network.transport.attempts.map {
      $0.deadline.time.milliseconds(since: network.clock.start)
    }
    #expect(deadlines == [60_000, 70_250])
  }

  @Test func `a wait for a slot ends at the deadline`() async {
    let (entered, hold) = (Latch(), Latch())
    let transport = ScriptedTransport { (_, _) throws(TransportError) in
      entered.signal()
      _ = await hold.wait()
      return HTTPResponse(status: 200)
    }
    let network = TestNetwork(transport, concurrency: 1)
    let first = start(network.sender())
    _ = await entered.wait()
    let second = start(network.sender(milliseconds: 500))
    #expect(await network.clock.nextPause(in: 500...500) != nil)
    network.clock.advance(milliseconds: 500)
    #expect(await second.value.error?.kind == .timeout)
    hold.signal()
    #expect(await first.value.status == 200)
    #expect(network.transport.attempts.count == 1)
  }

  @Test func `a request that waits for its limit holds no slot`() async {
    let network = TestNetwork(
      limits: ["list_devices": RateLimit(requests: 1, perSeconds: 10)], concurrency: 1)
    _ = await start(network.sender()).value
    let limited = start(network.sender())
    #expect(await network.clock.nextPause(in: 10_250...10_250) != nil)
    #expect(await start(network.sender(.write)).value.status == 200)
    network.clock.advance(milliseconds: 10_250)
    #expect(await limited.value.status == 200)
  }

  @Test func `an idle transfer can extend a deadline that was not given`() async {
    let network = TestNetwork()
    let (open, given) = (network.sender(), network.sender(milliseconds: 60_000))
    network.clock.advance(milliseconds: 40_000)
    open.extendDeadline()
    given.extendDeadline()
    #expect(open.remainingMilliseconds == 60_000 && given.remainingMilliseconds == 20_000)
  }
}
