import Basics
import FileStore
import HTTP
import JSON
import Redaction
import Synchronization
import TestSupport
import Testing

@testable import IntegrationKit

/// Answers everything and notes by when it was to be answered.
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
      CommandMetadata("List Devices", "Lists."), id: "list_devices", on: connection, options: .none,
      deadline: milliseconds.map { Deadline(inMilliseconds: $0) }, events: nil)
  }

  @Test func `the deadline moves with what is waited for`() async throws {
    let connection = try connection(#"{"default":{"requests":1,"per_seconds":0.3}}"#)
    let start = MonotonicTime.now
    for milliseconds in [nil, 30_000] {
      let invocation = invocation(on: connection, milliseconds: milliseconds)
      for _ in 0..<2 { _ = try await invocation.send(HTTPRequest(.get, "http://127.0.0.1/")) }
    }
    let deadlines = transport.deadlines.map { $0.milliseconds(since: start) }
    #expect(deadlines.count == 4)
    #expect(deadlines[1] >= 60_300, "a wait, and the whole time after it")
    #expect(deadlines[2] == deadlines[3], "a given one stays")
  }

  @Test func `many requests that do not fit fail before the first`() async throws {
    let connection = try connection(#"{"default":{"requests":10,"per_seconds":600}}"#)
    try await invocation(on: connection).expectRoom(forRequests: 60)
    let hurried = invocation(on: connection, milliseconds: 30_000)
    try await hurried.expectRoom(forRequests: 10)
    let error = await #expect(throws: CommandError.self) {
      try await hurried.expectRoom(forRequests: 11)
    }
    #expect(error?.kind == .rateLimited && error?.statusCode == 429)
    #expect((error?.retryAfterMilliseconds ?? 0) > 500_000)
    let far = await #expect(throws: CommandError.self, "more than an hour") {
      try await invocation(on: connection).expectRoom(forRequests: 71)
    }
    #expect(far?.remedy == "Pass fewer at a time, or try again then.")
    #expect(transport.deadlines.isEmpty)
  }
}
