import Basics
import IntegrationKit
import JSON
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

  let context: HostContext
  let output: OutputQueue
  private let admission: Admission
  let active: ActiveRequests
  private let statistics: Statistics
  private let methods: Methods
  private let observer: (any SessionObserver)?
  private let fileThread = FileThread()
  private var parser = JSONParser()
  private var writer = JSONWriter(capacity: 4_096)
  private var gathered = ByteBuffer(capacity: 2 * RequestHandler.gatheredBytes)
  /// Made for the first client that speaks the Model Context Protocol.
  private(set) lazy var agents = AgentSession(context, audience)
  private let audience: Audience
  /// Set by `shutdown`.
  private(set) var isShuttingDown = false

  init(
    context: HostContext, output: OutputQueue, admission: Admission, active: ActiveRequests,
    statistics: Statistics, health: HealthMonitor, audience: Audience,
    observer: (any SessionObserver)?
  ) {
    self.context = context
    self.output = output
    self.admission = admission
    self.active = active
    self.statistics = statistics
    self.observer = observer
    self.audience = audience
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
    case .response(let json):
      if settle(json) { return }
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
    if perform(agentCall: call, as: id, in: batch) { return }
    let call = call.withoutMeta
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
      if call.method == "cancel" { dropCancelled() }
      if ["connections/put", "connections/remove"].contains(call.method) { tellToolsChanged() }
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
    start(request, as: id, in: batch, tool: nil) { [output, context] _ in
      id.flatMap { id in
        request.options.stream || request.options.progress
          ? Events(
            id, to: output, secrets: context.secrets, tellsWaits: request.options.stream) : nil
      }
    }
  }

  /// - Parameters:
  ///   - tool: writes the answer to a call of a tool; nil for an invoke.
  ///   - events: makes what tells the caller how far it is.
  func start(
    _ request: InvokeRequest, as id: RequestID?, in batch: BatchSink?, tool: ToolResult?,
    events: (ActiveRequests.Request) -> (any InvocationEvents)?
  ) {
    guard var accepted = accept(id, failure: request.command.failure, in: batch) else { return }
    accepted.isSilentWhenCancelled = tool != nil
    let run = InvokeRun(
      request: request, id: id ?? .null, context: context, active: accepted.request,
      events: events(accepted.request), tool: tool)
    accepted.request.run(
      Task.detached { [accepted] in
        let (frame, kind) = await run.answer()
        accepted.finish(frame, kind)
      })
  }

  private func start(
    _ method: FileMethod, _ params: JSON?, as id: RequestID?, in batch: BatchSink?
  ) {
    startOnFiles(params, as: id, failure: method.failure, in: batch) { [context] request in
      FileCall(
        method: method, params: params, store: context.files,
        isCancelled: { request.cancelReason != nil }
      ).frame(id ?? .null, redactedBy: context.secrets)
    }
  }

  /// Has the thread for files answer.
  ///
  /// - Parameter frame: the whole frame of the answer, and what it is.
  func startOnFiles(
    _ params: JSON?, as id: RequestID?, failure: String, in batch: BatchSink?,
    isSilentWhenCancelled: Bool = false,
    _ frame: @escaping @Sendable (ActiveRequests.Request) -> ([UInt8], AnswerKind)
  ) {
    guard var accepted = accept(id, failure: failure, in: batch) else { return }
    accepted.isSilentWhenCancelled = isSilentWhenCancelled
    // The params keep the whole line.
    let bytes = params?.withSource { $0.count } ?? 0
    fileThread.add(bytes: bytes) { [output, accepted] in
      // Chunks that nobody reads must not gather.
      output.waitForRoom()
      let (frame, kind) = frame(accepted.request)
      accepted.finish(frame, kind)
    }
  }

  /// Makes a request one that is under way.
  ///
  /// - Parameter failure: the failure indicator of what is asked for.
  /// - Returns: nil when the host takes no more, which has been answered then.
  func accept(
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

  func answer(_ id: RequestID, error: RPCError, in batch: BatchSink?) {
    writer.removeAll()
    Frame.error(id.isNull && leavesOutUnknownID ? nil : id, error, into: &writer)
    send(.error, in: batch)
  }

  /// Answers with a result that is ready.
  ///
  /// - Parameter isOwn: whether every word in it is the host's own.
  func answer(_ id: RequestID, _ result: JSONFragment, isOwn: Bool, in batch: BatchSink?) {
    writer.removeAll()
    Frame.result(id, into: &writer) { $0.value(result) }
    send(.success, isOwn: isOwn, in: batch)
  }

  /// Answers with a whole frame that holds no secrets.
  func answer(_ frame: [UInt8], _ kind: AnswerKind, in batch: BatchSink?) {
    statistics.count(kind)
    observer?.answered(kind)
    if let batch {
      batch.expect()
      batch.answer(frame)
    } else {
      say(frame)
    }
  }

  /// Sends a message of the host's own accord.
  func say(_ frame: [UInt8]) {
    gathered.append(frame)
    gathered.append(0x0A)
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
    let frame = isClean ? writer.bytes : context.secrets.redact(frame: writer.bytes)
    if let batch {
      batch.expect()
      batch.answer(frame)
    } else {
      gathered.append(frame)
      gathered.append(0x0A)
    }
  }
}
