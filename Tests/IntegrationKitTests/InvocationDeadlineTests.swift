import Basics
import FileStore
import HTTP
import JSON
import Redaction
import Synchronization
import TestSupport
import Testing

@testable import IntegrationKit

@Suite struct InvocationDeadlineTests {
  private let now = MonotonicTime.now

  private func at(_ milliseconds: Int) -> MonotonicTime { now.adding(milliseconds: milliseconds) }

  @Test func `a given deadline is fixed, and a wait must end before it`() {
    let deadline = InvocationDeadline(Deadline(at: at(1_000)))
    #expect(deadline.allows(waitUntil: at(999), now: now))
    #expect(!deadline.allows(waitUntil: at(1_000), now: now))
    #expect(deadline.allows(waitUntil: at(2_000), now: at(2_000)), "the wait is zero")
    deadline.move(pastWaitUntil: at(999))
    #expect(deadline.current.time == at(1_000))
  }

  @Test func `without a given deadline, the full time starts after the latest wait`() {
    let deadline = InvocationDeadline(nil)
    #expect(deadline.current.time >= at(60_000))
    deadline.move(pastWaitUntil: at(500_000))
    deadline.move(pastWaitUntil: at(300_000))
    #expect(deadline.current.time == at(560_000))
    #expect(deadline.allows(waitUntil: at(86_400_000), now: now))
    #expect(!deadline.allows(waitUntil: at(86_400_001), now: now))
  }

  @Test func `a waiter for another invocation waits as long, unless its deadline is given`() {
    let (first, given) = (InvocationDeadline(nil), InvocationDeadline(Deadline(at: at(5))))
    let patient = InvocationDeadline(nil)
    first.move(pastWaitUntil: at(500_000))
    #expect(patient.orLater(first).time == at(560_000))
    #expect(given.orLater(first).time == at(5))
    #expect(patient.orLater(given).time == patient.current.time)
  }
}

/// Returns 200 for every request and records its deadline.
private final class PromptTransport: Transport {
  private let all = Mutex<[MonotonicTime]>([])
  var deadlines: [MonotonicTime] { all.withLock { $0 } }

  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    all.withLock { $0.append(deadline.time) }
    return HTTPResponse(status: 200, headers: [], body: [])
  }
}

@Suite struct RateLimitedInvocationTests {
  private let transport = PromptTransport()

  private func connection(_ limits: String) throws -> Connection {
    let definition = try ConnectionDefinition.shape.decode(
      try JSON.parse(#"{"integration":"sample","settings":{},"rate_limits":\#(limits)}"#)
    ) { ConnectionDefinition(&$0) }
    let secrets = Redactor()
    return try Connection(
      name: "c", definition,
      environment: ConnectionEnvironment(
        transport: transport, secrets: secrets, log: Log(level: .error) { secrets.redact($0) },
        files: try FileStore()))
  }

  private func invocation(on connection: Connection, milliseconds: Int? = nil) -> Invocation {
    Invocation(
      CommandAbout("List Devices", "Lists."), id: "list_devices", on: connection, options: .none,
      deadline: milliseconds.map { Deadline(inMilliseconds: $0) }, events: nil)
  }

  @Test func `the deadline moves with waits`() async throws {
    let connection = try connection(#"{"default":{"requests":1,"per_seconds":0.3}}"#)
    let start = MonotonicTime.now
    for milliseconds in [nil, 30_000] {
      let invocation = invocation(on: connection, milliseconds: milliseconds)
      for _ in 0..<2 { _ = try await invocation.send(HTTPRequest(.get, "http://127.0.0.1/")) }
    }
    let deadlines = transport.deadlines.map { $0.milliseconds(since: start) }
    #expect(deadlines.count == 4)
    #expect(deadlines[1] >= 60_300, "a wait, and the full time after it")
    #expect(deadlines[2] == deadlines[3], "a given deadline does not move")
  }

  @Test func `requests that do not fit before the deadline fail fast`() async throws {
    let connection = try connection(#"{"default":{"requests":10,"per_seconds":3600}}"#)
    try invocation(on: connection).expectRoom(forRequests: 200)
    let hurried = invocation(on: connection, milliseconds: 30_000)
    try hurried.expectRoom(forRequests: 10)
    let error = #expect(throws: CommandError.self) { try hurried.expectRoom(forRequests: 11) }
    #expect(error?.kind == .rateLimited && error?.statusCode == 429)
    #expect((error?.retryAfterMilliseconds ?? 0) > 3_500_000)
    #expect(throws: CommandError.self, "more than a day") {
      try invocation(on: connection).expectRoom(forRequests: 251)
    }
    #expect(transport.deadlines.isEmpty)
  }
}
