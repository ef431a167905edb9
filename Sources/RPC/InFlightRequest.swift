import Basics
import JSON
import Synchronization

/// Why a request in flight was cancelled.
package enum CancelReason: Sendable {
  case caller
  /// The drain timeout passed, or a second signal arrived.
  case draining
  case outputGone

  /// What to tell about it; nil if the caller cancelled, who knows.
  package var explanation: String? {
    switch self {
    case .caller: nil
    case .draining: "The host stopped before the request was finished."
    case .outputGone: "The reader of the answers went away."
    }
  }
}

/// A request that was accepted and has no response yet.
package final class InFlightRequest: Sendable {
  private struct State {
    var task: Task<Void, Never>?
    var reason: CancelReason?
    var cancelHandlers: [@Sendable () -> Void] = []
    var hasSlot: Bool
  }

  /// Nil for a notification.
  package let id: RequestID?
  private let frames: FrameWriter
  private let limit: InFlightLimit
  private let state: Mutex<State>

  /// - Parameter hasSlot: whether a slot was acquired for it; otherwise it is counted as suspended.
  init(id: RequestID?, frames: FrameWriter, limit: InFlightLimit, hasSlot: Bool) {
    self.id = id
    self.frames = frames
    self.limit = limit
    state = Mutex(State(hasSlot: hasSlot))
    if !hasSlot { limit.addSuspended() }
  }

  // MARK: Cancellation

  package var cancelReason: CancelReason? { state.withLock { $0.reason } }

  /// Runs `body` unless the request is cancelled, and before a cancellation takes effect.
  package func ifNotCancelled(_ body: () -> Void) {
    state.withLock { if $0.reason == nil { body() } }
  }

  /// Has `body` called once when the request is cancelled, on the thread that cancels it; at once if
  /// it is cancelled already.
  package func onCancel(_ body: @escaping @Sendable () -> Void) {
    let isCancelled = state.withLock { state in
      if state.reason == nil { state.cancelHandlers.append(body) }
      return state.reason != nil
    }
    if isCancelled { body() }
  }

  func run(_ task: Task<Void, Never>) {
    let isCancelled = state.withLock { state in
      state.task = task
      return state.reason != nil
    }
    if isCancelled { task.cancel() }
  }

  func cancel(_ reason: CancelReason) {
    let (task, handlers) = state.withLock { state in
      state.reason = state.reason ?? reason
      defer { state.cancelHandlers = [] }
      return (state.task, state.cancelHandlers)
    }
    for handler in handlers { handler() }
    task?.cancel()
  }

  // MARK: Waiting outside the limit

  /// Releases the slot while the request waits for something outside the host, such as a user. The
  /// host still does not end before the request has its response.
  package func releaseSlot() {
    let hadSlot = state.withLock { state in
      defer { state.hasSlot = false }
      return state.hasSlot
    }
    if hadSlot { limit.suspend() }
  }

  /// Waits for a slot again, before anything is started for the request.
  ///
  /// - Returns: false if the host accepts nothing more or the request was cancelled.
  package func reacquireSlot() async -> Bool {
    guard await limit.resume() else { return false }
    state.withLock { $0.hasSlot = true }
    return true
  }

  var hasSlot: Bool { state.withLock { $0.hasSlot } }

  // MARK: Responses

  /// The response with a result.
  ///
  /// - Parameter write: writes exactly one value.
  package func result(
    _ status: ResponseStatus = .successful, redaction: FrameWriter.Redaction = .everySecret,
    write: (inout JSONWriter) -> Void
  ) -> Response {
    guard let id else { return Response(frame: nil, status: status) }
    return Response(frame: frames.result(id, redaction: redaction, write: write), status: status)
  }

  package func error(_ error: RPCError) -> Response {
    guard let id else { return Response(frame: nil, status: .failed) }
    return Response(frame: frames.error(id, error), status: .failed)
  }

  /// Nothing is sent: for a request whose protocol says so, such as a cancelled one of MCP.
  package func noResponse() -> Response { Response(frame: nil, status: .successful) }
}

/// The one response of a request in flight; made by the request itself.
package struct Response: Sendable {
  let frame: Frame?
  let status: ResponseStatus

  fileprivate init(frame: Frame?, status: ResponseStatus) {
    self.frame = frame
    self.status = status
  }
}
