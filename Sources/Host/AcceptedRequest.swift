import RPC

/// A request under way, and where its answer goes.
struct AcceptedRequest: Sendable {
  let request: ActiveRequests.Request
  let active: ActiveRequests
  let sink: TaskSink
  /// Whether nothing more is said of it once its caller has cancelled it.
  var isSilentWhenCancelled = false

  func finish(_ frame: [UInt8], _ kind: AnswerKind) {
    // Before the answer leaves, so that a caller who has it can use the id again.
    active.end(request)
    let isSilent = isSilentWhenCancelled && request.cancelReason == .caller
    sink.finish(request.id == nil || isSilent ? nil : frame, kind)
  }
}

extension AcceptedRequest {
  /// Gives the place of work back; the answer comes later, by another way. The id stays taken.
  func park() { sink.admission.leave() }
}

/// Where a task's answer goes.
struct TaskSink: Sendable {
  let output: OutputQueue
  let admission: Admission
  let statistics: Statistics
  let observer: (any SessionObserver)?
  let batch: BatchSink?

  /// - Parameter frame: nil for a notification, and for what is not to be answered any more.
  func finish(_ frame: [UInt8]?, _ kind: AnswerKind) {
    guard let frame else {
      batch?.close()
      admission.leave()
      return
    }
    statistics.count(kind)
    observer?.answered(kind)
    if let batch {
      // The batch waits for its slowest member; the places of the others are free meanwhile.
      batch.answer(frame)
      admission.leave()
    } else {
      output.append(frame + [0x0A], leaving: 1)
    }
  }
}

/// Watches a session, and may leave requests out of it.
package protocol SessionObserver: Sendable {
  /// Whether a request with that id is to be passed over without an answer.
  func skips(_ id: RequestID) -> Bool
  func answered(_ kind: AnswerKind)
  /// A line of so many bytes has been taken, and is answered or under way.
  func handled(bytes: Int)
}
