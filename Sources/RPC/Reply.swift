import Basics
import JSON

/// The right to answer one call, exactly once.
///
/// Every function that answers consumes the reply, so a second answer does not compile. Every one
/// returns the token that `Handler.handle` has to return, so a missing answer does not compile
/// either. A reply stays on the reading thread: it cannot be sent to a task.
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
  /// Whether the call is a member of a batch, so that nothing can be asked before its response.
  package var isInBatch: Bool { batch != nil }

  // MARK: Now

  /// Answers with a result that is ready.
  ///
  /// - Parameters:
  ///   - isFollowedByMessages: whether the handler sends messages that must come behind it.
  ///   - write: writes exactly one value. It is not called for a notification.
  package consuming func result(
    _ status: ResponseStatus = .successful, redaction: FrameWriter.Redaction = .everySecret,
    isFollowedByMessages: Bool = false, write: (inout JSONWriter) -> Void
  ) -> Answered {
    if let id { reader.respond(id, status, redaction, in: batch, write) }
    if isFollowedByMessages { reader.flush() }
    return Answered()
  }

  /// Sends a message before the response.
  package borrowing func send(_ frame: Frame) { reader.send(frame) }

  /// Answers with an error. The error of a notification is logged.
  package consuming func error(_ error: RPCError) -> Answered {
    if let id {
      reader.respond(id, error, in: batch)
    } else {
      reader.log.info("notification \(method) failed: \(error.message)")
    }
    return Answered()
  }

  /// Answers a call whose id its protocol does not allow.
  package consuming func errorWithoutID(_ error: RPCError) -> Answered {
    reader.respond(nil, error, in: batch)
    return Answered()
  }

  /// For a notification that was handled.
  package consuming func nothing() -> Answered {
    precondition(id == nil, "a request must be answered")
    return Answered()
  }

  // MARK: Later

  /// How a request is answered later.
  package struct Terms {
    /// The error if the host accepts no more requests.
    let refusal: () -> RPCError
    /// Whether nothing is sent for it after its caller has cancelled it.
    let isSilentWhenCancelled: Bool

    package init(isSilentWhenCancelled: Bool = false, refusal: @escaping () -> RPCError) {
      self.refusal = refusal
      self.isSilentWhenCancelled = isSilentWhenCancelled
    }
  }

  /// Answers with the response of a task. Blocks the reading thread until a slot is free.
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

  /// Answers with the response of blocking work. Blocks the reading thread until a slot is free, and
  /// while much waits in the lane.
  ///
  /// - Parameter bytes: memory that the call holds until it is answered.
  package consuming func run(
    _ terms: Terms, on lane: BlockingWork, bytes: Int,
    _ body: @escaping @Sendable (InFlightRequest) -> Response
  ) -> Answered {
    guard let accepted = reader.accept(id, in: batch, silent: terms.isSilentWhenCancelled) else {
      return error(terms.refusal())
    }
    lane.submit(bytes: bytes) {
      // Responses that nobody reads must not pile up.
      accepted.output.waitForRoom()
      accepted.finish(body(accepted.request))
    }
    return Answered()
  }

  /// Answers with the response of a task that waits for most of its life, such as a subscription. It
  /// takes no slot of the in-flight limit.
  package consuming func runWithoutSlot(
    isSilentWhenCancelled: Bool, _ body: @escaping @Sendable (InFlightRequest) async -> Response
  ) -> Answered {
    let accepted = reader.acceptWithoutSlot(id, in: batch, silent: isSilentWhenCancelled)
    accepted.request.run(
      Task.detached { accepted.finish(await body(accepted.request)) })
    return Answered()
  }
}

/// A request in flight, and where its response goes.
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
    // Before the response leaves, so that a caller who has it can reuse the id.
    requests.remove(request)
    let slots = request.hasSlot ? 1 : 0
    // Last, so that the host does not end before the response is queued.
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
      // The batch waits for its slowest member; the slots of the others are free meanwhile.
      batch.add(frame)
      limit.release(slots)
    } else {
      output.send(FrameLines(frame), releasing: slots)
    }
  }
}
