import Basics
import Delivery
import HTTP
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
    /// Nobody takes its events any more.
    var isClosed = false
    /// Requests of the program that are being answered, by number.
    var requests: [UInt64: Task<Void, Never>?] = [:]
    var nextRequest: UInt64 = 0
    var idleLatch: Latch?
    /// Whether a request was sent that may have changed something.
    var mayHaveChanged = false
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
      if !state.isClosed {
        state.events.append(event)
        state.bytes += bytes
      }
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

  /// Milliseconds that a program gets to end after the last request of a dry run.
  private static let planMilliseconds = 2_000

  /// The next events, in order.
  ///
  /// - Parameter isPlanned: whether the requests of a dry run are known.
  /// - Returns: nil if the deadline passed or the task was cancelled first.
  func next(on peer: ChildPeer, isPlanned: Bool = false) async -> [Event]? {
    let deadline = invocation.deadline
    let plan = isPlanned ? Deadline(inMilliseconds: Self.planMilliseconds) : nil
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
      guard await latch.wait(untilLatestOf: { plan ?? deadline.current }) else { return nil }
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

  // MARK: Requests of the program

  /// Milliseconds that cancelled requests get to end.
  private static let cancelledMilliseconds = 1_000

  /// Answers a request of the program in a task, which is cancelled when the call is closed.
  ///
  /// - Returns: false if the call is closed.
  func answer(_ body: @escaping @Sendable () async -> Void) -> Bool {
    let number = state.withLock { state -> UInt64? in
      guard !state.isClosed else { return nil }
      defer { state.nextRequest += 1 }
      state.requests[state.nextRequest] = .some(nil)
      return state.nextRequest
    }
    guard let number else { return false }
    let task = Task.detached { [self] in
      await body()
      let latch = state.withLock { state -> Latch? in
        state.requests[number] = nil
        return state.requests.isEmpty ? state.idleLatch.take() : nil
      }
      latch?.signal()
    }
    let isClosed = state.withLock { state in
      if state.requests[number] != nil { state.requests[number] = .some(task) }
      return state.isClosed
    }
    if isClosed { task.cancel() }
    return true
  }

  /// Ends what belongs to the call: nothing is sent for it any more, and its events are dropped. Requests
  /// of the program that are being answered are cancelled.
  func close() async {
    let (tasks, latch) = state.withLock { state -> ([Task<Void, Never>], Latch?) in
      state.isClosed = true
      (state.events, state.bytes) = ([], 0)
      guard !state.requests.isEmpty else { return ([], nil) }
      let latch = Latch()
      state.idleLatch = latch
      return (state.requests.values.compactMap { $0 }, latch)
    }
    for task in tasks { task.cancel() }
    guard let latch else { return }
    // In a separate task, because the caller of the call may have cancelled this one.
    let deadline = Deadline(inMilliseconds: Self.cancelledMilliseconds)
    await Task.detached { _ = await latch.wait(until: deadline) }.value
  }

  // MARK: HTTP

  /// Sends a request of the program.
  func send(_ request: HTTPRequest) async throws(CommandError) -> HTTPResponse {
    let changes = invocation.command.effect != .read && !request.isSideEffectFree
    do throws(CommandError) {
      let response = try await invocation.part().send(request)
      let isRefused =
        (400...599).contains(response.status)
        && invocation.outcome(afterStatus: response.status) == .notApplied
      if changes, !isRefused { state.withLock { $0.mayHaveChanged = true } }
      return response
    } catch {
      if changes, error.outcome == .unknown { state.withLock { $0.mayHaveChanged = true } }
      throw error
    }
  }

  /// The outcome of a failed command if the program does not say it.
  var outcome: CommandError.Outcome {
    state.withLock { $0.mayHaveChanged } ? .unknown : .notApplied
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
