import Basics
import JSON
import Synchronization

/// Why a request in flight was cancelled.
package enum CancelReason: Sendable {
  case caller
  /// The drain timeout passed, or a second signal arrived.
  case draining
  case outputGone

  /// The message for the caller; nil if the caller cancelled the request.
  package var explanation: String? {
    switch self {
    case .caller: nil
    case .draining: "The host stopped before the request finished."
    case .outputGone: "The reader closed the output."
    }
  }
}

/// An accepted request that has no response yet.
package final class InFlightRequest: Sendable {
  private struct State {
    var task: Task<Void, Never>?
    var reason: CancelReason?
    var cancelHandlers: [@Sendable () -> Void] = []
    var hasSlot: Bool
    var hasStarted: Bool
  }

  /// Nil for a notification.
  package let id: RequestID?
  private let frames: FrameWriter
  private let limit: InFlightLimit
  private let state: Mutex<State>

  /// - Parameter hasSlot: whether it has acquired a slot; otherwise it counts as suspended.
  init(id: RequestID?, frames: FrameWriter, limit: InFlightLimit, hasSlot: Bool) {
    self.id = id
    self.frames = frames
    self.limit = limit
    state = Mutex(State(hasSlot: hasSlot, hasStarted: hasSlot))
    if !hasSlot { limit.addSuspended() }
  }

  // MARK: Cancellation

  package var cancelReason: CancelReason? { state.withLock { $0.reason } }

  /// Runs `body` unless the request is cancelled. A cancellation takes effect only afterwards.
  package func ifNotCancelled(_ body: () -> Void) {
    state.withLock { if $0.reason == nil { body() } }
  }

  /// Calls `body` once when the request is cancelled, on the thread that cancels it. If the request is
  /// already cancelled, calls it now.
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
  /// host does not exit before the request has its response.
  package func releaseSlot() {
    let hadSlot = state.withLock { state in
      defer { state.hasSlot = false }
      return state.hasSlot
    }
    if hadSlot { limit.suspend() }
  }

  /// Waits for a slot again, before the request continues.
  ///
  /// - Returns: false if admission is closed or the request is cancelled.
  package func reacquireSlot() async -> Bool {
    guard await limit.resume() else { return false }
    state.withLock { $0.hasSlot = true }
    return true
  }

  var hasSlot: Bool { state.withLock { $0.hasSlot } }

  /// Whether it ever had a slot.
  var hasStarted: Bool { state.withLock { $0.hasStarted } }

  /// The limit has assigned a slot to a request that was suspended.
  func slotWasAcquired() {
    state.withLock { ($0.hasSlot, $0.hasStarted) = (true, true) }
  }

  // MARK: Responses

  /// The response with a result.
  ///
  /// - Parameter write: writes exactly one value.
  package func result(
    _ status: ResponseStatus = .successful, redaction: FrameWriter.Redaction,
    write: (inout JSONWriter) -> Void
  ) -> Response {
    guard let id else { return Response(frame: nil, status: status) }
    return Response(frame: frames.result(id, redaction: redaction, write: write), status: status)
  }

  package func error(_ error: RPCError) -> Response {
    guard let id else { return Response(frame: nil, status: .failed) }
    return Response(frame: frames.error(id, error), status: .failed)
  }

  /// No response is sent. For protocols that require it, such as MCP for a cancelled request.
  package func noResponse() -> Response { Response(frame: nil, status: .successful) }
}

/// The response of a request in flight. Only the request creates it.
package struct Response: Sendable {
  let frame: Frame?
  let status: ResponseStatus

  fileprivate init(frame: Frame?, status: ResponseStatus) {
    self.frame = frame
    self.status = status
  }
}
