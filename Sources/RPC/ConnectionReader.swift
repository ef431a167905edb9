import Basics
import JSON

/// Parses the lines of the input in order and passes the calls to the handlers.
///
/// Used only by the reading thread. Ready responses are collected in a buffer, which is sent at the
/// end of a piece of input or when the buffer is full. A caller that sends one request at a time gets
/// its response immediately; for a file with thousands of lines, one system call sends hundreds.
final class ConnectionReader {
  /// Bytes of ready responses that are collected before they are sent. With the last one they should
  /// not exceed what the output writes at once.
  private static let gatheredBytes = 48 * 1_024
  /// Larger results that are kept are sent without a copy, which takes more system calls.
  private static let copiedBytes = 32 * 1_024

  private let connection: Connection
  private let handlers: [any Handler]
  private let first: any Handler
  private let others: ArraySlice<any Handler>
  private var ready = FrameBuffer(capacity: 2 * ConnectionReader.gatheredBytes)
  // Unchecked for speed: nothing that is called during an access uses the reader.
  @exclusivity(unchecked) private var parser = JSONParser()
  /// The memory of the current line.
  @exclusivity(unchecked) private var lineBytes = 0
  /// The current line, from its first accepted call on.
  @exclusivity(unchecked) private var line: InputLine?
  /// Of the call that is being handled.
  private(set) var place = RequestPlace()
  /// Whether `connection.kept` has calls.
  private var hasKept = false

  var log: Log { connection.log }
  private var limits: ConnectionLimits { connection.limits }
  private var statistics: ConnectionStatistics { connection.statistics }

  init(_ connection: Connection, _ handlers: [any Handler]) {
    precondition(!handlers.isEmpty, "a connection without a handler")
    self.connection = connection
    self.handlers = handlers
    first = handlers[0]
    others = handlers.dropFirst()
  }

  // MARK: Lines

  /// - Parameter input: its number, from 0.
  func handle(_ line: LineSplitter.Line, number: Int, of input: Int) {
    place = RequestPlace(input: input, line: number)
    switch line {
    case .tooLong(let bytes):
      statistics.count(statistics.lines)
      let limit = limits.maximumLineBytes
      refuse(
        .line(
          .invalidRequest, "The line has \(bytes) bytes; the limit is \(limit).", line: number,
          offset: limit, remedy: "Split the request, or raise --max-line-bytes."))
    case .text(let text):
      // Almost every line begins with a bracket.
      if text.first.map({ $0 <= 0x20 }) ?? true, text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
        return
      }
      statistics.count(statistics.lines)
      do throws(JSONError) {
        handle(try parser.parse(text), number)
      } catch {
        refuse(
          .line(
            .parseError, "The line is not JSON: \(error.reason).", line: number,
            offset: error.offset))
      }
    }
    if ready.count >= Self.gatheredBytes { flush() }
  }

  /// Sends all ready responses. Called at the end of a piece of input and at EOF.
  func flush() {
    guard !ready.isEmpty else { return }
    connection.output.send(ready)
    ready.removeAll()
    connection.output.waitForRoom()
  }

  /// Handles the calls that had to wait, as far as they are ready.
  func handleKept() {
    for entry in removeKept() { handleAgain(entry, mayWait: true) }
    flush()
  }

  private func removeKept() -> [KeptCalls.Entry] {
    hasKept = false
    return connection.kept.removeAll()
  }

  /// - Returns: false for a call that can be handled now, or that there is no memory for.
  private func keep(_ call: Call, for handler: any Handler) -> Bool {
    guard handler.mustWait(call, isBehindOthers: hasKept),
      connection.kept.add(KeptCalls.Entry(call: call, bytes: lineBytes, place: place))
    else { return false }
    hasKept = true
    // It may have become ready in between, and nothing would wake this thread again.
    if connection.kept.count == 1, !handler.mustWait(call, isBehindOthers: false) { handleKept() }
    return true
  }

  private func handleAgain(_ entry: KeptCalls.Entry, mayWait: Bool) {
    let call = entry.call
    if entry.isCancelled || connection.isInterrupted, let id = call.id {
      let refusal: Refusal = entry.isCancelled ? .cancelled(.caller) : .stopping
      respond(id, handler(for: call).error(refusal, of: call.method, call.params), in: nil)
      return
    }
    lineBytes = entry.bytes
    place = entry.place
    defer { line = nil }
    handle(call, in: nil, mayWait: mayWait, keptSince: entry.arrival)
  }

  func inputEnded() {
    // No call can overtake them any more, so they block until they are ready.
    for entry in removeKept() { handleAgain(entry, mayWait: false) }
    for handler in handlers { handler.inputEnded() }
    flush()
  }

  private func handle(_ json: JSON, _ line: Int) {
    lineBytes = json.documentBytes
    defer { if self.line != nil { self.line = nil } }
    guard json.kind == .array else {
      handle(Message(json), line, in: nil)
      return
    }
    let count = json.count
    guard count > 0 else {
      refuse(.line(.invalidRequest, "The batch is empty.", line: line, offset: json.offset))
      return
    }
    let limit = limits.maximumBatchRequests
    guard count <= limit else {
      refuse(
        .line(
          .invalidRequest, "The batch has \(count) members; the limit is \(limit).", line: line,
          offset: json.offset, remedy: "Send single requests or smaller batches."))
      return
    }
    // Ready responses must precede those of a later batch.
    flush()
    let batch = Batch(limit: connection.limit, output: connection.output)
    for member in json.elements {
      handle(Message(member), line, in: batch)
      place.member += 1
    }
    batch.close()
  }

  private func handle(_ message: consuming Message, _ line: Int, in batch: Batch?) {
    switch consume message {
    case .response(let json):
      if handlers.contains(where: { $0.handle(response: json) }) { return }
      log.warning("line \(line): ignored a response to no known request")
    case .invalid(let id, let reason, let offset):
      connection.observer?.received()
      respond(
        id,
        .line(.invalidRequest, "Not a request: \(reason).", line: line, offset: offset), in: batch)
    case .call(let call):
      guard let id = call.id else {
        statistics.count(statistics.notifications)
        handle(call, in: batch)
        return
      }
      if let observer = connection.observer {
        if observer.skips(id) { return }
        observer.received()
      }
      if connection.requests.contains(id) || hasKept && connection.kept.contains(id) {
        respond(
          .null,
          .line(
            .invalidRequest, "The id \(id.text) is already in flight.", line: line,
            offset: 0, remedy: "Use a different id for each request in flight."),
          in: batch)
        return
      }
      handle(call, in: batch)
    }
  }

  private func handle(
    _ call: Call, in batch: Batch?, mayWait: Bool = true, keptSince: MonotonicTime? = nil
  ) {
    if connection.isShuttingDown {
      // Sent before the response to shutdown was received, so it requires a response.
      guard let id = call.id else { return }
      respond(
        id, RPCError(.invalidRequest, "The host is shutting down."), in: batch)
      return
    }
    let handler = handler(for: call)
    if let id = call.id, let batch, batch.isFull {
      let refusal = Refusal.tooLarge(maximumBytes: limits.maximumResultBytes, hasRun: false)
      respond(id, handler.error(refusal, of: call.method, call.params), in: batch)
      return
    }
    // The members of a batch get one response together, so nothing of it is kept.
    if mayWait, batch == nil, call.id != nil, keep(call, for: handler) { return }
    _ = handler.handle(
      call, Reply(call, reader: self, batch: batch, keptSince: keptSince))
  }

  private func handler(for call: Call) -> any Handler {
    if first.takes(call) { return first }
    return others.last { $0.takes(call) } ?? first
  }

  // MARK: Accepting

  /// Makes a call a request in flight. It starts now, or when a slot is free. If admission is closed,
  /// it gets an error.
  func accept(
    _ id: RequestID?, _ terms: Reply.Terms, in batch: Batch?,
    _ run: @escaping @Sendable (AcceptedRequest) -> Void
  ) {
    // Waiting for a slot must not delay ready responses.
    flush()
    let line = self.line ?? InputLine(bytes: lineBytes)
    self.line = line
    if connection.limit.tryAcquire(line) {
      accepted(id, terms, line, in: batch, hasSlot: true).start(run)
      return
    }
    let accepted = accepted(id, terms, line, in: batch, hasSlot: false)
    let call = ParkedCall(accepted, run: run)
    switch connection.limit.park(call) {
    case .admitted: call.start()
    case .closed: call.refuse(.stopping)
    case .parked(let number):
      // Weak: the request must not own the call. The limit owns it while it is parked.
      accepted.request.onCancel { [limit = connection.limit, weak call] in
        if let call, limit.unpark(number) { call.refuseCancelled() }
      }
      guard let deadline = terms.deadline else { return }
      call.watch(deadline) { [limit = connection.limit] call in
        if limit.unpark(number) { call.refuse(.timedOut) }
      }
    }
  }

  func acceptWithoutSlot(
    _ id: RequestID?, _ terms: Reply.Terms, in batch: Batch?
  ) -> AcceptedRequest {
    accepted(id, terms, InputLine(bytes: 0), in: batch, hasSlot: false)
  }

  private func accepted(
    _ id: RequestID?, _ terms: Reply.Terms, _ line: InputLine, in batch: Batch?, hasSlot: Bool
  ) -> AcceptedRequest {
    let request = InFlightRequest(
      id: id, frames: connection.frames, limit: connection.limit, hasSlot: hasSlot)
    connection.requests.add(request)
    let batch = id == nil ? nil : batch
    batch?.expect()
    return AcceptedRequest(
      request: request, connection: connection, terms: terms, line: line, batch: batch)
  }

  // MARK: Responding

  private func refuse(_ error: RPCError) {
    connection.observer?.received()
    respond(.null, error, in: nil)
  }

  /// - Parameter id: nil if it is unknown.
  func respond(_ id: RequestID?, _ error: RPCError, in batch: Batch?) {
    let isUnknown = id?.isNull ?? true
    let omitsID = isUnknown && handlers.contains(where: \.omitsUnknownID)
    let frame = connection.frames.error(omitsID ? nil : id ?? .null, error)
    respond(frame, .failed, in: batch) { frame }
  }

  func respond(
    _ id: RequestID, _ status: ResponseStatus, _ redaction: FrameWriter.Redaction,
    _ method: String, in batch: Batch?, _ write: (inout JSONWriter) -> Void
  ) {
    guard batch == nil else {
      let frame = connection.frames.result(id, redaction: redaction, write: write)
      respond(frame, status, in: batch) {
        let refusal = Refusal.tooLarge(maximumBytes: limits.maximumResultBytes, hasRun: true)
        let handler = handler(for: Call(id: id, method: method, params: nil))
        return connection.frames.error(id, handler.error(refusal, of: method, nil))
      }
      return
    }
    connection.frames.result(id, redaction: redaction, into: &ready, write: write)
    // Last, so that the response to `stats` does not count itself.
    count(status)
  }

  func respond(_ id: RequestID, own result: JSONFragment, _ method: String, in batch: Batch?) {
    guard batch == nil, result.bytes.count > Self.copiedBytes else {
      respond(id, .successful, .ownText, method, in: batch) { $0.value(result) }
      return
    }
    flush()
    connection.output.send(connection.frames.ownResult(id, result))
    connection.output.waitForRoom()
    count(.successful)
  }

  private func respond(
    _ frame: Frame, _ status: ResponseStatus, in batch: Batch?, orElse replacement: () -> Frame
  ) {
    count(status)
    if let batch {
      batch.expect()
      batch.add(frame, orElse: replacement)
    } else {
      ready.append(frame)
    }
  }

  private func count(_ status: ResponseStatus) {
    statistics.count(status)
    connection.observer?.answered(status)
  }

  /// Sends a message after the ready responses.
  func send(_ frame: Frame) { ready.append(frame) }
}
