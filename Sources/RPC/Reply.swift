import Basics
import JSON

/// Responds to one call, exactly once.
///
/// Every responding function consumes the reply, so a second response does not compile. Each returns
/// the token that `Handler.handle` must return, so a missing response does not compile either. A
/// reply stays on the reading thread: it cannot be sent to a task.
package struct Reply: ~Copyable {
  /// Nil for a notification, which never gets a response.
  package let id: RequestID?
  private let method: String
  private let reader: ConnectionReader
  private let batch: Batch?

  init(_ call: Call, reader: ConnectionReader, batch: Batch?) {
    id = call.id
    method = call.method
    self.reader = reader
    self.batch = batch
  }

  package var isNotification: Bool { id == nil }
  /// Whether the call is a member of a batch. The host cannot send a question before its response.
  package var isInBatch: Bool { batch != nil }

  // MARK: Now

  /// Responds with a result that is ready.
  ///
  /// - Parameters:
  ///   - isFollowedByMessages: whether the handler sends messages that must follow the response.
  ///   - write: writes exactly one value. It is not called for a notification.
  package consuming func result(
    _ status: ResponseStatus = .successful, redaction: FrameWriter.Redaction,
    isFollowedByMessages: Bool = false, write: (inout JSONWriter) -> Void
  ) -> Answered {
    if let id { reader.respond(id, status, redaction, in: batch, write) }
    if isFollowedByMessages { reader.flush() }
    return Answered()
  }

  /// Sends a message before the response.
  package borrowing func send(_ frame: Frame) { reader.send(frame) }

  /// Responds with an error. The error of a notification is logged.
  package consuming func error(_ error: RPCError) -> Answered {
    if let id {
      reader.respond(id, error, in: batch)
    } else {
      reader.log.info("notification \(method) failed: \(error.message)")
    }
    return Answered()
  }

  /// Responds to a call whose id the protocol does not allow.
  package consuming func errorWithoutID(_ error: RPCError) -> Answered {
    reader.respond(nil, error, in: batch)
    return Answered()
  }

  /// For a notification that was handled.
  package consuming func nothing() -> Answered {
    precondition(id == nil, "a request requires a response")
    return Answered()
  }

  // MARK: Later

  /// How to respond to a request later.
  package struct Terms {
    /// The error if admission is closed.
    let refusal: () -> RPCError
    /// Whether no response is sent after the caller cancelled the request.
    let isSilentWhenCancelled: Bool

    package init(isSilentWhenCancelled: Bool = false, refusal: @escaping () -> RPCError) {
      self.refusal = refusal
      self.isSilentWhenCancelled = isSilentWhenCancelled
    }
  }

  /// Responds with the result of a task. Blocks the reading thread until a slot is free.
  package consuming func run(
    _ terms: Terms, _ body: @escaping @Sendable (InFlightRequest) async -> Response
  ) -> Answered {
    guard let accepted = reader.accept(id, in: batch, silent: terms.isSilentWhenCancelled) else {
      return error(terms.refusal())
    }
    accepted.request.run(
      Task.detached { accepted.finish(await body(accepted.request)) })
    return Answered()
  }

  /// Responds with the result of blocking work. Blocks the reading thread until a slot is free, and
  /// while the queue of the lane is full.
  ///
  /// - Parameter bytes: the memory that the call holds until its response.
  package consuming func run(
    _ terms: Terms, on lane: BlockingWork, bytes: Int,
    _ body: @escaping @Sendable (InFlightRequest) -> Response
  ) -> Answered {
    guard let accepted = reader.accept(id, in: batch, silent: terms.isSilentWhenCancelled) else {
      return error(terms.refusal())
    }
    lane.submit(bytes: bytes) {
      // Unread responses must not accumulate.
      accepted.output.waitForRoom()
      accepted.finish(body(accepted.request))
    }
    return Answered()
  }

  /// Responds with the result of a task that mostly waits, such as a subscription. It acquires no slot
  /// of the in-flight limit.
  ///
  /// - Parameter onCancel: called once when the request is cancelled, also before the task starts.
  package consuming func runWithoutSlot(
    isSilentWhenCancelled: Bool, onCancel: @escaping @Sendable () -> Void,
    run body: @escaping @Sendable (InFlightRequest) async -> Response
  ) -> Answered {
    let accepted = reader.acceptWithoutSlot(id, in: batch, silent: isSilentWhenCancelled)
    accepted.request.onCancel(onCancel)
    accepted.request.run(
      Task.detached { accepted.finish(await body(accepted.request)) })
    return Answered()
  }
}

/// A request in flight and the destination of its response.
struct AcceptedRequest: Sendable {
  let request: InFlightRequest
  let requests: RequestsInFlight
  let output: Output
  let limit: InFlightLimit
  let statistics: ConnectionStatistics
  let observer: (any ConnectionObserver)?
  let batch: Batch?
  let isSilentWhenCancelled: Bool

  func finish(_ response: Response) {
    // Before the response is sent, so that its reader can reuse the id.
    requests.remove(request)
    let slots = request.hasSlot ? 1 : 0
    // Last, so that the host does not exit before the response is queued.
    defer { if slots == 0 { limit.endSuspended() } }
    let isSilent = isSilentWhenCancelled && request.cancelReason == .caller
    guard let frame = response.frame, !isSilent else {
      batch?.close()
      limit.release(slots)
      return
    }
    statistics.count(response.status)
    observer?.answered(response.status)
    if let batch {
      // The batch waits for its slowest member. The others release their slots now.
      batch.add(frame)
      limit.release(slots)
    } else {
      output.send(FrameLines(frame), releasing: slots)
    }
  }
}
