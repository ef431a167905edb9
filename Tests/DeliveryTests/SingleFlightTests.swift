import Basics
import Delivery
import Synchronization
import TestSupport
import Testing

/// Counts flights, and lets each land when the test says so.
private final class Airport: Sendable {
  private let flights = Mutex<[String?]>([])
  let mayLand = Latch()

  /// Values that the flights were to replace, in order; nil for none.
  var replaced: [String?] { flights.withLock { $0 } }

  /// One that lands at once, with `number n` as its value.
  func fly(_ old: String?) async throws(CommandError) -> String {
    let number = flights.withLock { flights in
      flights.append(old)
      return flights.count
    }
    return "number \(number)"
  }

  /// One that lands when `mayLand` is signalled.
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
  private let network = TestNetwork()

  private func sender(milliseconds: Int = 600_000) -> Sender {
    network.sender(milliseconds: milliseconds)
  }

  /// A caller of `value`, in the order of calling this.
  private func caller(
    insteadOf stale: SingleFlight<String>.Holding? = nil, milliseconds: Int = 600_000,
    _ get: @escaping @Sendable (String?) async throws(CommandError) -> String
  ) -> Task<Result<SingleFlight<String>.Holding, CommandError>, Never> {
    let (flight, sender) = (flight, sender(milliseconds: milliseconds))
    return Task(executorPreference: executor) {
      do throws(CommandError) {
        return .success(try await flight.value(insteadOf: stale, in: sender, get))
      } catch {
        return .failure(error)
      }
    }
  }

  @Test func `one flight serves all concurrent callers, and later ones`() async throws {
    let callers = (0..<20).map { _ in caller(airport.flyAndWait) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers { #expect(try await caller.value.get().value == "number 1") }
    let later = try await flight.value(in: sender(), airport.fly)
    #expect(later.value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `a failure reaches all callers, and the next caller starts a new flight`() async throws
  {
    let airport = airport
    let fail: @Sendable (String?) async throws(CommandError) -> String = {
      (old) throws(CommandError) in
      _ = try await airport.flyAndWait(old)
      throw CommandError(.auth, "The password is wrong.")
    }
    let callers = (0..<10).map { _ in caller(fail) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers {
      guard case .failure(let error) = await caller.value else {
        Issue.record("a failure for one is one for all")
        continue
      }
      #expect(error.kind == .auth)
      #expect(error.message == "The password is wrong.")
    }
    #expect(airport.replaced == [nil])
    #expect(try await flight.value(in: sender(), airport.fly).value == "number 2")
  }

  @Test func `a stale value is replaced once, however many found it stale`() async throws {
    let stale = try await flight.value(in: sender(), airport.fly)
    let callers = (0..<10).map { _ in caller(insteadOf: stale, airport.flyAndWait) }
    await executor.settle()
    airport.mayLand.signal()
    for caller in callers { #expect(try await caller.value.get().value == "number 2") }
    // A late caller with the same stale value gets its replacement.
    let late = try await flight.value(insteadOf: stale, in: sender(), airport.fly)
    #expect(late.value == "number 2")
    #expect(airport.replaced == [nil, "number 1"])
    let next = try await flight.value(insteadOf: late, in: sender(), airport.fly)
    #expect(next.value == "number 3")
    #expect(next.generation > late.generation && late.generation > stale.generation)
  }

  @Test func `a flight knows when its last caller has left, and a later caller gets another one`()
    async throws
  {
    let (airport, abandoned) = (airport, Latch())
    let stop: @Sendable (String?) async throws(CommandError) -> String = {
      (old) throws(CommandError) in
      let value = try await airport.fly(old)
      guard value == "number 1" else { return value }
      FlightInterest.current?.whenAbandoned { abandoned.signal() }
      _ = await abandoned.wait()
      _ = await airport.mayLand.wait()
      throw .cancelled(outcome: .notApplied)
    }
    let callers = (0..<2).map { _ in caller(stop) }
    await executor.settle()
    for caller in callers {
      caller.cancel()
      guard case .failure(let error) = await caller.value else {
        Issue.record("a cancelled caller got a value")
        continue
      }
      #expect(error.kind == .cancelled)
    }
    // The first flight still ends itself.
    let later = caller(stop)
    await executor.settle()
    airport.mayLand.signal()
    #expect(try await later.value.get().value == "number 2")
  }

  @Test func `a caller that gives up does not end the flight`() async throws {
    let first = caller(airport.flyAndWait)
    let second = caller(airport.flyAndWait)
    let hasty = caller(milliseconds: 20, airport.flyAndWait)
    await executor.settle()
    first.cancel()
    #expect(await network.clock.nextPause(in: 20...20) != nil)
    network.clock.advance(milliseconds: 20)
    guard case .failure(let cancelled) = await first.value,
      case .failure(let late) = await hasty.value
    else {
      Issue.record("both gave up before the landing")
      return
    }
    #expect(cancelled.kind == .cancelled && cancelled.outcome == .notApplied)
    #expect(late.kind == .timeout && late.outcome == .notApplied)
    airport.mayLand.signal()
    #expect(try await second.value.get().value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `a flight without a waiter still delivers its value`() async throws {
    let only = caller(airport.flyAndWait)
    await executor.settle()
    only.cancel()
    _ = await only.value
    let next = caller(airport.flyAndWait)
    await executor.settle()
    airport.mayLand.signal()
    #expect(try await next.value.get().value == "number 1")
    #expect(airport.replaced == [nil])
  }

  @Test func `callers that cannot wait for a delayed flight fail fast`() async throws {
    let patient = caller(milliseconds: 1_800_000, airport.flyAndWait)
    let hurried = caller(airport.flyAndWait)
    await executor.settle()
    #expect(flight.mayWait(until: network.clock.now.adding(milliseconds: 1_200_000)))
    let late = caller(airport.flyAndWait)
    for caller in [hurried, late] {
      guard case .failure(let error) = await caller.value else {
        Issue.record("the landing is after its deadline")
        return
      }
      #expect(error.kind == .rateLimited && (error.retryAfterMilliseconds ?? 0) > 1_000_000)
    }
    #expect(
      !flight.mayWait(until: network.clock.now.adding(milliseconds: 2_000_000)), "nobody is left")
    await #expect(throws: CommandError.self) { _ = try await patient.value.get() }
    airport.mayLand.signal()
  }
}
