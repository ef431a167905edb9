import Synchronization

/// The password of a connection's client key: read when a request first needs it, and again when it
/// did not fit.
package final class ClientKeyPassword: Sendable {
  package typealias Holding = SingleFlight<String>.Holding

  private let flight = SingleFlight<String>()
  private let rejected = Mutex<Holding?>(nil)
  private let read: @Sendable () async throws(CommandError) -> String

  package init(_ read: @escaping @Sendable () async throws(CommandError) -> String) {
    self.read = read
  }

  func holding(in sender: Sender) async throws(CommandError) -> Holding {
    let rejected = self.rejected.withLock { $0 }
    return try await flight.value(insteadOf: rejected, in: sender) {
      [read] (_) throws(CommandError) in try await read()
    }
  }

  func reject(_ holding: Holding) { rejected.withLock { $0 = holding } }
}
