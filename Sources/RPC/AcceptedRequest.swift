/// A request in flight and the destination of its response.
struct AcceptedRequest: Sendable {
  let request: InFlightRequest
  let connection: Connection
  let terms: Reply.Terms
  let line: InputLine
  let batch: Batch?

  var output: Output { connection.output }
  private var limit: InFlightLimit { connection.limit }

  /// Calls `run` unless no response of the batch fits any more.
  func start(_ run: (AcceptedRequest) -> Void) {
    if batch?.isFull == true {
      finish(refusing: tooLarge(hasRun: false))
    } else {
      run(self)
    }
  }

  /// Responds with an error of the terms.
  func finish(refusing refusal: Refusal) { finish(request.error(terms.error(refusal))) }

  func finish(_ response: Response) {
    // Before the response is sent, so that its reader can reuse the id.
    connection.requests.remove(request)
    let slots = request.hasSlot ? 1 : 0
    // Last, so that the host does not exit before the response is queued.
    defer { if slots == 0 { limit.endSuspended(heldLine: request.hasStarted) } }
    let line = request.hasStarted ? self.line : nil
    let isSilent = terms.isSilentWhenCancelled && request.cancelReason == .caller
    guard let frame = response.frame, !isSilent else {
      limit.end(line, responseBytes: 0)
      batch?.close()
      limit.release(.init(slots: slots))
      return
    }
    connection.statistics.count(response.status)
    connection.observer?.answered(response.status)
    if let batch {
      // The batch waits for its slowest member. The others release their slots now.
      limit.end(line, responseBytes: 0)
      batch.add(frame) { replacement() ?? frame }
      limit.release(.init(slots: slots))
    } else {
      let isTooLarge = frame.count > connection.limits.maximumResultBytes
      let frame = isTooLarge ? replacement() ?? frame : frame
      limit.end(line, responseBytes: frame.count)
      output.send(
        FrameLines(frame), releasing: .init(slots: slots, heldBytes: frame.count))
    }
  }

  private func replacement() -> Frame? {
    request.error(terms.error(tooLarge(hasRun: request.hasStarted))).frame
  }

  private func tooLarge(hasRun: Bool) -> Refusal {
    .tooLarge(maximumBytes: connection.limits.maximumResultBytes, hasRun: hasRun)
  }
}
