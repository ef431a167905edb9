import Basics
import HTTP
import RateLimits
import Synchronization
import TestSupport
import Testing

@testable import Delivery

private let request = HTTPRequest(.get, "https://vendor.example/")

/// Keeps what it is notified of.
private final class Notes: SendObserver {
  let trace = TraceContext()
  private let notes = Mutex<[String]>([])

  var all: [String] { notes.withLock { $0 } }

  func attempted(_ attempt: HTTPAttempt) {
    let result =
      switch attempt.result {
      case .status(let status): "\(status)"
      case .error(let kind): kind.rawValue
      }
    let place = "\(attempt.server?.host ?? "")\(attempt.pathTemplate)"
    add("\(attempt.number) \(attempt.method.rawValue) \(place) \(result)", attempt.isPartOfSignIn)
  }

  func waitsForRateLimit() { add("waits", false) }

  func waited(_ wait: SendWait) {
    let milliseconds = wait.end.milliseconds(since: wait.start)
    add("\(wait.reason.name) \(milliseconds)", wait.isPartOfSignIn)
  }

  private func add(_ note: String, _ isPartOfSignIn: Bool) {
    notes.withLock { $0.append(isPartOfSignIn ? "sign-in: \(note)" : note) }
  }
}

@Suite struct SendObserverTests {
  private let notes = Notes()

  @Test func `each attempt and each back-off is observed`() async throws {
    let broken = TransportError(.interrupted, "broken", mayHaveArrived: true)
    let network = TestNetwork(
      ScriptedTransport([
        .failure(broken), .success(HTTPResponse(status: 200, headers: [], body: [])),
      ]))
    let sending = Task { try await network.sender(observer: notes).send(request) }
    let pause = await network.clock.nextPause(in: 125...250) ?? 0
    network.clock.advance(milliseconds: pause)
    _ = try await sending.value
    #expect(
      notes.all == [
        "1 GET vendor.example/ interrupted", "back_off \(pause)", "2 GET vendor.example/ 200",
      ])
  }

  @Test func `a wait for a rate limit is observed`() async throws {
    let network = TestNetwork(
      limits: ["list_devices": RateLimit(requests: 1, perSeconds: 10)])
    let sender = network.sender(observer: notes)
    _ = try await sender.send(request)
    let sending = Task { try await sender.send(request) }
    network.clock.advance(milliseconds: await network.clock.nextPause(in: 10_000...10_250) ?? 0)
    _ = try await sending.value
    #expect(notes.all[1...].prefix(2) == ["waits", "rate_limit 10250"])
  }

  @Test func `a sign-in is observed by the caller that starts it`() async throws {
    let network = TestNetwork()
    let flight = SingleFlight<String>()
    let sender = network.sender(observer: notes)
    _ = try await flight.value(in: sender) { (_) throws(CommandError) in
      _ = try await Sender.signIn(on: network.channel).send(request)
      return "token"
    }
    #expect(notes.all == ["sign-in: 1 GET vendor.example/ 200", "sign_in 0"])
    _ = try await flight.value(in: sender) { (_) throws(CommandError) in "unused" }
    #expect(notes.all.count == 2)
  }
}
