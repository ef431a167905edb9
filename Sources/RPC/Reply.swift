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
  /// When the line of a call that had to wait was read.
  private let keptSince: MonotonicTime?

  init(
    _ call: Call, reader: ConnectionReader, batch: Batch?, keptSince: MonotonicTime? = nil
  ) {
    self.keptSince = keptSince
    id = call.id
    method = call.method
    self.reader = reader
    self.batch = batch
  }

  /// When the line of the call was read, if this is asked first of all.
  package var arrival: MonotonicTime { keptSince ?? .now }
  package var place: RequestPlace { reader.place }
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
    if let id { reader.respond(id, status, redaction, method, in: batch, write) }
    if isFollowedByMessages { reader.flush() }
    return Answered()
  }

  /// Responds with a result of the host's own text, in which nothing is redacted. A large one is not
  /// copied.
  package consuming func ownResult(_ result: JSONFragment) -> Answered {
    if let id { reader.respond(id, own: result, method, in: batch) }
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
  package struct Terms: Sendable {
    /// The error if the request does not start, or its response is too large.
    let error: @Sendable (Refusal) -> RPCError
    /// Whether no response is sent after the caller cancelled the request.
    let isSilentWhenCancelled: Bool
    /// When a request that has not started gets an error; nil for never.
    let deadline: Deadline?

    package init(
      isSilentWhenCancelled: Bool = false, deadline: Deadline? = nil,
      error: @escaping @Sendable (Refusal) -> RPCError
    ) {
      self.error = error
      self.isSilentWhenCancelled = isSilentWhenCancelled
      self.deadline = deadline
    }
  }

  /// Responds with the result of a task, which starts when a slot is free. Blocks the reading thread
  /// while there is no memory for parked calls.
  package consuming func run(
    _ terms: Terms, _ body: @escaping @Sendable (InFlightRequest) async -> Response
  ) -> Answered {
    reader.accept(id, terms, in: batch) { accepted in
      accepted.request.run(
        Task.detached { accepted.finish(await body(accepted.request)) })
    }
    return Answered()
  }

  /// Responds with the result of blocking work, like `run`. Calls on one lane start in the order of
  /// their lines.
  package consuming func run(
    _ terms: Terms, on lane: BlockingWork,
    _ body: @escaping @Sendable (InFlightRequest) -> Response
  ) -> Answered {
    reader.accept(id, terms, in: batch) { accepted in
      lane.submit {
        // Unread responses must not accumulate.
        accepted.output.waitForRoom()
        // Again, because the calls of a lane wait for each other.
        accepted.start { $0.finish(body($0.request)) }
      }
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
    let terms = Terms(isSilentWhenCancelled: isSilentWhenCancelled) { _ in
      RPCError(.requestCancelled, "The host is stopping.")
    }
    let accepted = reader.acceptWithoutSlot(id, terms, in: batch)
    accepted.request.onCancel(onCancel)
    accepted.request.run(
      Task.detached { accepted.finish(await body(accepted.request)) })
    return Answered()
  }
}
