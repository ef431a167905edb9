import Basics
import HTTP
import Synchronization
import TestSupport
import Testing

@testable import Delivery

@Suite struct FirstSendTests {
  /// How often the step ran.
  private final class Runs: Sendable {
    let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
  }

  /// - Parameter failures: how many runs of the step fail, from the first one.
  private func sender(
    _ network: TestNetwork, _ operation: Operation, _ runs: Runs, failures: Int = 0
  ) -> Sender {
    let firstSend = FirstSend()
    firstSend.add { [transport = network.transport] _ throws(CommandError) in
      let run = runs.count.withLock { count in
        count += 1
        return count
      }
      #expect(transport.attempts.isEmpty)
      if run <= failures { throw CommandError(.unavailable, "The disk is full.") }
    }
    return Sender(
      operation, on: network.channel,
      deadline: InvocationDeadline(nil, on: network.clock.source), firstSend: firstSend)
  }

  @Test func `the step runs once, before the first write`() async throws {
    let (network, runs) = (TestNetwork(), Runs())
    let sender = sender(network, .write, runs)
    var read = HTTPRequest.sample
    read.isSideEffectFree = true
    let reading = self.sender(network, .read, runs)
    _ = try await reading.send(.sample)
    #expect(runs.value == 0)
    let other = TestNetwork()
    let writing = self.sender(other, .write, runs)
    _ = try await writing.send(.sample)
    _ = try await writing.child().send(.sample)
    #expect(runs.value == 1 && other.transport.attempts.count == 2)
    _ = try await sender.send(read)
    #expect(runs.value == 1)
  }

  @Test func `nothing is sent after a failed step, and the slot is free again`() async throws {
    let (network, runs) = (TestNetwork(concurrency: 1), Runs())
    let sender = sender(network, .write, runs, failures: 1)
    await #expect(throws: CommandError.self) { try await sender.send(.sample) }
    #expect(network.transport.attempts.isEmpty)
    _ = try await sender.send(.sample)
    #expect(runs.value == 2 && network.transport.attempts.count == 1)
  }
}
