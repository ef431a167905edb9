import Basics
import FileStore
import HTTP
import JSON
import Redaction
import Synchronization
import TestSupport
import Testing

@testable import IntegrationKit

/// A transport that must not be used.
private struct NoTransport: Transport {
  func send(
    _ request: HTTPRequest, through route: TransportRoute, deadline: Deadline
  ) async throws(TransportError) -> HTTPResponse {
    throw TransportError(.unavailable, "no network in this test", mayHaveArrived: false)
  }
}

/// Counts flights and completes each one on request.
private final class Airport: Sendable {
  private let flights = Mutex<[String?]>([])
  let mayLand = Latch()

  /// The values that the flights replaced, in order; nil for none.
  var replaced: [String?] { flights.withLock { $0 } }

  /// Completes at once with the value `number n`.
  func fly(_ old: String?) async throws(CommandError) -> String {
    let number = flights.withLock { flights in
      flights.append(old)
      return flights.count
    }
    return "number \(number)"
  }

  /// Completes after `mayLand` is signalled.
  func flyAndWait(_ old: String?) async throws(CommandError) -> String {
    let value = try await fly(old)
    _ = await mayLand.wait()
    return value
  }
}

@Suite struct SingleFlightTests {
  private let flight = SingleFlight<String>()
  private let airport = Airport()
  private let executor = InOrderExecutor()

  private func invocation(milliseconds: Int = 600_000) throws -> Invocation {
    let definition = try ConnectionDefinition.shape.decode(
      try JSON.parse(#"{"integration":"sample","settings":{}}"#)
    ) { ConnectionDefinition(&$0) }
    let secrets = Redactor()
    let connection = try Connection(
      name: "c", definition,
      environment: ConnectionEnvironment(
        transport: NoTransport(), secrets: secrets, log: Log(level: .error) { secrets.redact($0) },
        files: FileStore()))
    return Invocation(
      CommandAbout("List Devices", "Lists."), id: "list_devices", on: connection, options: .none,
      deadline: Deadline(inMilliseconds: milliseconds), events: nil)
  }

  /// Starts a caller of the value. Callers run in the order of these calls.
  private func caller(
    insteadOf stale: SingleFlight<String>.Holding? = nil, milliseconds: Int = 600_000,
    _ get: @escaping @Sendable (String?) async throws(CommandError) -> String
  ) throws -> Task<Result<SingleFlight<String>.Holding, CommandError>, Never> {
    let (flight, invocation) = (flight, try invocation(milliseconds: milliseconds))
    return Task(executorPreference: executor) {
      do throws(CommandError) {
        return .success(try await flight.value(insteadOf: stale, in: invocation, get))
      } catch {
        return .failure(error)
      }
    }
  }

  @Test func `one flight serves concurrent and later callers`() async throws {
    let callers = try (0..<20).map { _ in try caller(airport.flyAndWait) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers { #expect(try await caller.value.get().value == "number 1") }
    let later = try await flight.value(in: invocation(), airport.fly)
    #expect(later.value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `a failure reaches all waiters, and the next caller retries`() async throws {
    let airport = airport
    let fail: @Sendable (String?) async throws(CommandError) -> String = {
      (old) throws(CommandError) in
      _ = try await airport.flyAndWait(old)
      throw CommandError(.auth, "The password is wrong.")
    }
    let callers = try (0..<10).map { _ in try caller(fail) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers {
      guard case .failure(let error) = await caller.value else {
        Issue.record("the failure did not reach all waiters")
        continue
      }
      #expect(error.kind == .auth)
      #expect(error.message == "The password is wrong.")
    }
    #expect(airport.replaced == [nil])
    #expect(try await flight.value(in: invocation(), airport.fly).value == "number 2")
  }

  @Test func `a stale value is replaced once for all callers`() async throws {
    let stale = try await flight.value(in: invocation(), airport.fly)
    let callers = try (0..<10).map { _ in try caller(insteadOf: stale, airport.flyAndWait) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers { #expect(try await caller.value.get().value == "number 2") }
    // A late caller with the same stale value gets the replacement.
    let late = try await flight.value(insteadOf: stale, in: invocation(), airport.fly)
    #expect(late.value == "number 2")
    #expect(airport.replaced == [nil, "number 1"])
    let next = try await flight.value(insteadOf: late, in: invocation(), airport.fly)
    #expect(next.value == "number 3")
    #expect(next.generation > late.generation && late.generation > stale.generation)
  }

  @Test func `a caller that gives up does not cancel the flight`() async throws {
    let first = try caller(airport.flyAndWait)
    let second = try caller(airport.flyAndWait)
    let hasty = try caller(milliseconds: 20, airport.flyAndWait)
    await executor.settle()
    first.cancel()
    guard case .failure(let cancelled) = await first.value,
      case .failure(let late) = await hasty.value
    else {
      Issue.record("a caller did not give up")
      return
    }
    #expect(cancelled.kind == .cancelled && cancelled.outcome == .notApplied)
    #expect(late.kind == .timeout && late.outcome == .notApplied)
    airport.mayLand.signal()
    #expect(try await second.value.get().value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `a flight without waiters still completes`() async throws {
    let only = try caller(airport.flyAndWait)
    await executor.settle()
    only.cancel()
    _ = await only.value
    let next = try caller(airport.flyAndWait)
    await executor.settle()
    airport.mayLand.signal()
    #expect(try await next.value.get().value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `a delayed flight fails callers fast if they cannot wait`() async throws {
    let patient = try caller(milliseconds: 1_800_000, airport.flyAndWait)
    let hurried = try caller(airport.flyAndWait)
    await executor.settle()
    #expect(flight.mayWait(until: MonotonicTime.now.adding(milliseconds: 1_200_000)))
    let late = try caller(airport.flyAndWait)
    for caller in [hurried, late] {
      guard case .failure(let error) = await caller.value else {
        Issue.record("the flight ends after the deadline")
        return
      }
      #expect(error.kind == .rateLimited && (error.retryAfterMilliseconds ?? 0) > 1_000_000)
    }
    #expect(
      !flight.mayWait(until: MonotonicTime.now.adding(milliseconds: 2_000_000)),
      "no waiters are left")
    await #expect(throws: CommandError.self) { _ = try await patient.value.get() }
    airport.mayLand.signal()
  }
}
