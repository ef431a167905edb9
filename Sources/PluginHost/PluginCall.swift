import Basics
import Delivery
import IntegrationKit
import JSON
import Synchronization

/// One call of a plugin's program: what it sends until its response.
final class PluginCall: ChildPeer.Waiter {
  enum Event: Sendable {
    case items([JSON])
    case progress(done: Int, total: Int)
    /// Of a dry run: the request that it would send first.
    case planned(JSONFragment)
    case response(Result<JSON, ChildError>)
  }

  private struct State {
    var events: [Event] = []
    var bytes = 0
    var latch: Latch?
    var hasEnded = false
    var endLatch: Latch?
    var storedFiles: Set<String> = []
  }

  let command: PluginCatalogue.Command
  let arguments: JSON
  let client: PluginClient
  let invocation: Invocation
  /// The values of secrets, for a program that gets them with the call.
  let secretValues: [String: String]?
  private let state = Mutex(State())

  init(
    of command: PluginCatalogue.Command, _ arguments: JSON, for client: PluginClient,
    in invocation: Invocation, secretValues: [String: String]?
  ) {
    self.command = command
    self.arguments = arguments
    self.client = client
    self.invocation = invocation
    self.secretValues = secretValues
  }

  var plugin: Plugin { client.plugin }

  /// The failure indicator of its errors.
  var failure: String { command.metadata.failure }

  var isDryRun: Bool { invocation.options.dryRun }

  // MARK: From the program

  var queuedBytes: Int { state.withLock { $0.bytes } }

  func response(_ result: Result<JSON, ChildError>) { add(.response(result), bytes: 0) }

  /// - Parameter bytes: memory of the event.
  func add(_ event: Event, bytes: Int) {
    let latches = state.withLock { state -> [Latch?] in
      state.events.append(event)
      state.bytes += bytes
      var latches = [state.latch.take()]
      if case .response = event {
        state.hasEnded = true
        latches.append(state.endLatch.take())
      }
      return latches
    }
    for latch in latches { latch?.signal() }
  }

  // MARK: For the invocation

  /// The next events, in order.
  ///
  /// - Returns: nil if the deadline passed or the task was cancelled first.
  func next(on peer: ChildPeer) async -> [Event]? {
    let deadline = invocation.deadline
    while true {
      let (events, latch) = state.withLock { state -> ([Event], Latch?) in
        guard state.events.isEmpty else {
          defer { (state.events, state.bytes) = ([], 0) }
          return (state.events, nil)
        }
        let latch = Latch()
        state.latch = latch
        return ([], latch)
      }
      guard let latch else {
        peer.resumeIfBusy()
        return events
      }
      guard await latch.wait(untilLatestOf: { deadline.current }) else { return nil }
    }
  }

  /// Whether the program responds before the deadline.
  func ended(until deadline: Deadline) async -> Bool {
    let latch = state.withLock { state -> Latch? in
      guard !state.hasEnded else { return nil }
      let latch = Latch()
      state.endLatch = latch
      return latch
    }
    return await latch?.wait(until: deadline) ?? true
  }

  // MARK: Files

  /// The program may read this file: it has stored it during the call.
  func remember(file id: String) { state.withLock { _ = $0.storedFiles.insert(id) } }

  /// Whether the program may read a file: one that the caller named, or its own.
  func mayRead(file id: String) -> Bool {
    state.withLock { $0.storedFiles.contains(id) }
      || Self.contains(id, in: arguments)
  }

  private static func contains(_ id: String, in value: JSON) -> Bool {
    // Iterative: arguments may be deeply nested.
    var rest = [value]
    while let next = rest.popLast() {
      if next.equals(id) { return true }
      rest += next.elements
      rest += next.members.map(\.value)
    }
    return false
  }
}
