import Basics
import Plugin
import RPC

/// Takes the lines of input one after the other: answers what needs no vendor at once, and starts
/// the rest.
///
/// Used by the reading thread only. Answers that are ready gather in a buffer, which goes out when
/// the piece of input is used up or the buffer is full: for a caller who waits for each answer that
/// is at once, for a file of thousands of lines it is a system call for hundreds of them.
final class RequestHandler {
  /// Bytes of ready answers that are gathered at most.
  private static let gatheredBytes = 256 * 1_024

  private let context: HostContext
  private let output: OutputQueue
  private let admission: Admission
  private let active: ActiveRequests
  private let statistics: Statistics
  private let methods: Methods
  private let observer: (any SessionObserver)?
  private let fileThread = FileThread()
  private var parser = JSONParser()
  private var writer = JSONWriter(capacity: 4_096)
  private var gathered = ByteBuffer(capacity: 2 * RequestHandler.gatheredBytes)
  /// Set by `shutdown`.
  private(set) var isShuttingDown = false

  init(
    context: HostContext, output: OutputQueue, admission: Admission, active: ActiveRequests,
    statistics: Statistics, health: HealthMonitor, observer: (any SessionObserver)?
  ) {
    self.context = context
    self.output = output
    self.admission = admission
    self.active = active
    self.statistics = statistics
    self.observer = observer
    methods = Methods(
      context: context, statistics: statistics, admission: admission, active: active,
      health: health)
  }

  // MARK: Lines

  func handle(_ line: LineSplitter.Line, number: Int) {
    switch line {
    case .tooLong(let bytes):
      statistics.count(statistics.lines)
      let limit = context.options.maximumLineBytes
      refuse(
        .line(
          .invalidRequest, "The line has \(bytes) bytes; the limit is \(limit).", line: number,
          offset: limit, remedy: "Send less at a time, or raise --max-line-bytes."))
    case .text(let text):
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return }
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
    if gathered.count >= Self.gatheredBytes { flush() }
  }

  /// The input has ended or failed, or a piece of it is used up: everything ready goes out.
  func flush() {
    guard !gathered.isEmpty else { return }
    output.append(gathered.array)
    gathered.truncate(to: 0)
    output.waitForRoom()
  }

  private func handle(_ json: JSON, _ line: Int) {
    guard json.kind == .array else {
      handle(Message(json), line, in: nil)
      return
    }
    let count = json.count
    guard count > 0 else {
      refuse(.line(.invalidRequest, "The batch is empty.", line: line, offset: json.offset))
      return
    }
    let limit = context.options.maximumBatchRequests
    guard count <= limit else {
      refuse(
        .line(
          .invalidRequest, "The batch has \(count) members; the limit is \(limit).", line: line,
          offset: json.offset, remedy: "Send them as single lines, or in smaller batches."))
      return
    }
    // Answers that are ready leave before those of a batch that comes later.
    flush()
    let batch = BatchSink { [output] in output.append($0 + [0x0A]) }
    for member in json.elements { handle(Message(member), line, in: batch) }
    batch.close()
  }

  private func handle(_ message: Message, _ line: Int, in batch: BatchSink?) {
    switch message {
    case .response:
      context.log.warning("line \(line) is shaped like a response and was not answered")
    case .invalid(let id, let reason, let offset):
      answer(
        id,
        error: .line(.invalidRequest, "Not a request: \(reason).", line: line, offset: offset),
        in: batch)
    case .call(let call):
      guard let id = call.id else {
        statistics.count(statistics.notifications)
        perform(call, as: nil, in: batch)
        return
      }
      if observer?.skips(id) == true { return }
      if active.isActive(id) {
        answer(
          .null,
          error: .line(
            .invalidRequest, "The id \(id.text) is that of a request under way.", line: line,
            offset: 0, remedy: "Use a new id for each request."),
          in: batch)
        return
      }
      perform(call, as: id, in: batch)
    }
  }

  // MARK: Calls

  /// - Parameter id: nil for a notification, of which nothing is answered.
  private func perform(_ call: Call, as id: RequestID?, in batch: BatchSink?) {
    if isShuttingDown {
      // Sent before the shutdown was answered; it has to be accounted for, too.
      guard let id else { return }
      answer(
        id, error: RPCError(.invalidRequest, "The host is shutting down and does nothing more."),
        in: batch)
      return
    }
    if call.method == "invoke" {
      invoke(call, as: id, in: batch)
      return
    }
    if call.method.hasPrefix("files/"), let method = FileMethod(rawValue: call.method) {
      start(method, call.params, as: id, in: batch)
      return
    }
    writer.removeAll()
    do throws(RPCError) {
      if let id {
        writer.openObject()
        writer.literal(#""jsonrpc":"2.0""#)
        writer.name("id")
        id.write(to: &writer)
        writer.name("result")
        try methods.answer(call, into: &writer)
        writer.closeObject()
        // These hold no word of a caller's or a vendor's, and are not to be redacted.
        let isOwn = call.method == "capabilities" || call.method == "rpc.discover"
        send(.success, isOwn: isOwn, in: batch)
      } else {
        try methods.answer(call, into: &writer)
      }
      if call.method == "shutdown" { isShuttingDown = true }
    } catch {
      guard let id else {
        context.log.info("the notification \(call.method) failed: \(error.message)")
        return
      }
      answer(id, error: error, in: batch)
    }
  }

  private func invoke(_ call: Call, as id: RequestID?, in batch: BatchSink?) {
    do throws(RPCError) {
      let request = try InvokeRequest(call.params, in: context)
      guard !request.options.dryRun else {
        guard let id else { return }
        writer.removeAll()
        request.writeDryRun(id, into: &writer)
        send(.success, in: batch)
        return
      }
      start(request, as: id, in: batch)
    } catch {
      guard let id else {
        context.log.info("an invoke without an id failed: \(error.message)")
        return
      }
      answer(id, error: error, in: batch)
    }
  }

  private func start(_ request: InvokeRequest, as id: RequestID?, in batch: BatchSink?) {
    guard let accepted = accept(id, failure: request.command.failure, in: batch) else { return }
    let events =
      id.flatMap { id in
        request.options.stream || request.options.progress
          ? Events(
            id, to: output, secrets: context.secrets, tellsWaits: request.options.stream) : nil
      }
    let run = InvokeRun(
      request: request, id: id ?? .null, context: context, active: accepted.request,
      events: events)
    accepted.request.run(
      Task.detached {
        let (frame, kind) = await run.answer()
        accepted.finish(frame, kind)
      })
  }

  private func start(
    _ method: FileMethod, _ params: JSON?, as id: RequestID?, in batch: BatchSink?
  ) {
    guard let accepted = accept(id, failure: method.failure, in: batch) else { return }
    let call = FileCall(
      method: method, params: params, store: context.files,
      isCancelled: { accepted.request.cancelReason != nil })
    // The params keep the whole line.
    let bytes = params?.withSource { $0.count } ?? 0
    fileThread.add(bytes: bytes) { [context, output] in
      // Chunks that nobody reads must not gather.
      output.waitForRoom()
      let (frame, kind) = call.frame(id ?? .null, scrubbedBy: context.secrets)
      accepted.finish(frame, kind)
    }
  }

  /// Makes a request one that is under way.
  ///
  /// - Parameter failure: the failure indicator of what is asked for.
  /// - Returns: nil when the host takes no more, which has been answered then.
  private func accept(
    _ id: RequestID?, failure: String, in batch: BatchSink?
  ) -> AcceptedRequest? {
    // Waiting for a place must not hold back answers that are ready.
    flush()
    guard admission.enter() else {
      guard let id else { return nil }
      let error = CommandError(
        .cancelled, "The host is stopping and takes no more requests.",
        remedy: "Send it again to a new host.")
      answer(id, error: Failure.command(error, indicator: failure), in: batch)
      return nil
    }
    guard let running = active.begin(id) else {
      preconditionFailure("an id was taken between the check and the start")
    }
    let batch = id == nil ? nil : batch
    batch?.expect()
    let sink = TaskSink(
      output: output, admission: admission, statistics: statistics, observer: observer,
      batch: batch)
    return AcceptedRequest(request: running, active: active, sink: sink)
  }

  // MARK: Answers

  private func refuse(_ error: RPCError) { answer(.null, error: error, in: nil) }

  private func answer(_ id: RequestID, error: RPCError, in batch: BatchSink?) {
    writer.removeAll()
    Frame.error(id, error, into: &writer)
    send(.error, in: batch)
  }

  /// Sends what the writer holds.
  ///
  /// - Parameter isOwn: whether every word in it is the host's own.
  private func send(_ kind: AnswerKind, isOwn: Bool = false, in batch: BatchSink?) {
    statistics.count(kind)
    observer?.answered(kind)
    let isClean = isOwn || !writer.withBytes { context.secrets.mayOccur(inJSON: $0) }
    if isClean && batch == nil {
      writer.withBytes { gathered.append($0) }
      gathered.append(0x0A)
      return
    }
    let frame = isClean ? writer.bytes : context.secrets.scrub(frame: writer.bytes)
    if let batch {
      batch.expect()
      batch.answer(frame)
    } else {
      gathered.append(frame)
      gathered.append(0x0A)
    }
  }
}

/// A request under way, and where its answer goes.
private struct AcceptedRequest: Sendable {
  let request: ActiveRequests.Request
  let active: ActiveRequests
  let sink: TaskSink

  func finish(_ frame: [UInt8], _ kind: AnswerKind) {
    // Before the answer leaves, so that a caller who has it can use the id again.
    active.end(request)
    sink.finish(request.id == nil ? nil : frame, kind)
  }
}

/// Where a task's answer goes.
struct TaskSink: Sendable {
  let output: OutputQueue
  let admission: Admission
  let statistics: Statistics
  let observer: (any SessionObserver)?
  let batch: BatchSink?

  /// - Parameter frame: nil for a notification.
  func finish(_ frame: [UInt8]?, _ kind: AnswerKind) {
    guard let frame else {
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
public protocol SessionObserver: Sendable {
  /// Whether a request with that id is to be passed over without an answer.
  func skips(_ id: RequestID) -> Bool
  func answered(_ kind: AnswerKind)
  /// A line of so many bytes has been taken, and is answered or under way.
  func handled(bytes: Int)
}
