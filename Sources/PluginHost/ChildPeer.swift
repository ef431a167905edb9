import Basics
import Glibc
import JSON
import Synchronization

/// JSON-RPC with a running program: requests in both directions over its lines.
final class ChildPeer: ChildLines.Listener {
  /// What the program sends by itself. Called on its thread.
  protocol Handler: AnyObject, Sendable {
    func request(_ request: ChildRequest, from peer: ChildPeer)
    func notification(_ method: String, _ params: JSON?, from peer: ChildPeer)
    /// The program has ended. All requests to it have failed before.
    func ended(_ peer: ChildPeer, _ reason: String)
  }

  /// A request of the host, and where its response goes.
  protocol Waiter: AnyObject, Sendable {
    func response(_ result: Result<JSON, ChildError>)
    /// Bytes of what it has received and not yet used.
    var queuedBytes: Int { get }
  }

  /// Bytes of received items that wait for slow callers before the program is read no further.
  private static let maximumQueuedBytes = 8 * 1_024 * 1_024
  /// Bytes of requests of the program without a response before it is read no further.
  private static let maximumRequestBytes = 64 * 1_024 * 1_024
  /// Lines of a program in the log within a second; later ones are counted.
  private static let logLinesPerSecond = 40
  private static let logCharacters = 1_000
  /// Characters of the last line of stderr in the reason of an end.
  private static let quotedCharacters = 300

  private struct State {
    var nextID: Int64 = 1
    /// Of requests whose responses are dropped.
    var nextForgottenID: UInt64 = 1
    /// Of requests of the program that have no response yet.
    var requestBytes = 0
    var waiting: [Int64: any Waiter] = [:]
    /// Why it can take no more requests.
    var end: String?
    /// Why the host ends it.
    var fault: String?
    /// Whether it was accepted, and the host does not end it because nobody needs it.
    var isNeeded = false
  }

  private struct LogWindow {
    var second: Int64 = 0
    var lines = 0
    var suppressed = 0
  }

  let name: String
  private let log: Log
  private let state = Mutex(State())
  private let window = Mutex(LogWindow())
  private let lastErrorLine = Mutex<String?>(nil)
  private let parser = LineParser()
  private let handler = Mutex<(any Handler)?>(nil)
  private let child = SetOnce<ChildLines>()
  private let busy = Atomic(false)

  private final class LineParser: @unchecked Sendable {
    // @unchecked: only the thread of the program uses it.
    private var parser = JSONParser()

    func parse(_ text: UnsafeBufferPointer<UInt8>) -> JSON? { try? parser.parse(text) }
  }

  /// - Parameter name: of the plugin, in the log.
  init(_ name: String, log: Log) {
    self.name = name
    self.log = log
  }

  /// Starts to read the program.
  ///
  /// - Returns: false if the system has no thread.
  func run(_ lines: ChildLines, for handler: any Handler) -> Bool {
    self.handler.withLock { $0 = handler }
    child.set(lines)
    return lines.run(for: self)
  }

  // MARK: Sending

  /// Sends a request.
  ///
  /// - Parameters:
  ///   - waiter: gets the response, or that there is none.
  ///   - write: writes the params, one value.
  /// - Returns: the id; nil if the program has ended or does not read its stdin. The waiter is not called
  ///   then.
  func send(
    _ method: StaticString, to waiter: any Waiter, params write: (inout JSONWriter) -> Void
  ) -> Int64? {
    send(method, to: waiter, paramsWithID: { (writer, _) in write(&writer) })
  }

  /// Sends a request whose params contain its id.
  func send(
    _ method: StaticString, to waiter: any Waiter,
    paramsWithID write: (inout JSONWriter, Int64) -> Void
  ) -> Int64? {
    let id = state.withLock { state -> Int64? in
      guard state.end == nil else { return nil }
      defer { state.nextID += 1 }
      state.waiting[state.nextID] = waiter
      return state.nextID
    }
    guard let id else { return nil }
    let isSent = sendLine { writer in
      writer.object {
        $0.literal(#""jsonrpc":"2.0","id":"#)
        $0.integer(id)
        $0.name("method")
        $0.string(literal: method)
        $0.name("params")
        write(&$0, id)
      }
    }
    if isSent { return id }
    _ = state.withLock { $0.waiting.removeValue(forKey: id) }
    return nil
  }

  func notify(_ method: StaticString, params write: ((inout JSONWriter) -> Void)? = nil) {
    _ = sendLine { writer in
      writer.object {
        $0.literal(#""jsonrpc":"2.0""#)
        $0.name("method")
        $0.string(literal: method)
        guard let write else { return }
        $0.name("params")
        write(&$0)
      }
    }
  }

  /// The start of the ids of requests whose responses are dropped. Nothing is kept for them, so that a
  /// program that does not respond to them costs no memory.
  private static let forgottenPrefix = "forgotten/"

  /// Sends a request whose response nobody waits for.
  func sendAndForget(_ method: StaticString, params write: (inout JSONWriter) -> Void) {
    let number = state.withLock { state in
      defer { state.nextForgottenID += 1 }
      return state.nextForgottenID
    }
    _ = sendLine { writer in
      writer.object {
        $0.literal(#""jsonrpc":"2.0""#)
        $0.member("id", "\(Self.forgottenPrefix)\(number)")
        $0.name("method")
        $0.string(literal: method)
        $0.name("params")
        write(&$0)
      }
    }
  }

  func sendLine(_ write: (inout JSONWriter) -> Void) -> Bool {
    var writer = JSONWriter(capacity: 512)
    write(&writer)
    writer.endLine()
    return child.value?.send(writer.bytes) ?? false
  }

  /// A response that does not fit would leave the program waiting for ever.
  func sendResponse(_ write: (inout JSONWriter) -> Void) {
    if !sendLine(write), takesRequests { kill(because: "does not read its stdin") }
  }

  /// The response is not waited for any more. One that comes later is ignored.
  func forget(_ id: Int64) {
    state.withLock { state in
      if state.waiting[id] != nil { state.waiting[id] = Forgotten.shared }
    }
  }

  /// Like `forget`, for a request that will hardly be answered: nothing is kept for it.
  func drop(_ id: Int64) { _ = state.withLock { $0.waiting.removeValue(forKey: id) } }

  func waiter(_ id: Int64) -> (any Waiter)? { state.withLock { $0.waiting[id] } }

  /// The waiter of the only request in flight.
  var onlyWaiter: (any Waiter)? {
    state.withLock { $0.waiting.count == 1 ? $0.waiting.values.first : nil }
  }

  /// The id of the process; 0 before it runs.
  var process: Int { Int(child.value?.process ?? 0) }

  var hasEnded: Bool { state.withLock { $0.end != nil } }

  /// Whether it can be sent requests: it has not ended, and neither it nor the host has closed a pipe.
  var takesRequests: Bool {
    state.withLock { $0.end == nil && $0.fault == nil } && child.value?.takesRequests == true
  }

  /// Lets the program end, because nobody needs it.
  func finish() {
    state.withLock { $0.isNeeded = false }
    child.value?.finish()
  }

  /// It has described itself as expected. Its end is unexpected from now on.
  func accept() { state.withLock { $0.isNeeded = true } }

  var isNeeded: Bool { state.withLock { $0.isNeeded } }

  /// Kills the program.
  func kill(because fault: String) {
    state.withLock { $0.fault = $0.fault ?? fault }
    child.value?.killNow()
  }

  /// Reads on, after a waiter has used what it had received.
  func resumeIfBusy() {
    if busy.load(ordering: .relaxed) { child.value?.resume() }
  }

  // MARK: Receiving

  var isBusy: Bool {
    guard holdsTooMuch else {
      busy.store(false, ordering: .relaxed)
      return false
    }
    // Once more: what was used before `busy` was set has not resumed the program.
    busy.store(true, ordering: .relaxed)
    return holdsTooMuch
  }

  private var holdsTooMuch: Bool {
    state.withLock { state in
      state.requestBytes > Self.maximumRequestBytes
        || state.waiting.values.reduce(0) { $0 + $1.queuedBytes } > Self.maximumQueuedBytes
    }
  }

  func line(_ text: UnsafeBufferPointer<UInt8>) {
    if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return }
    guard let message = parser.parse(text), message.kind == .object,
      message["jsonrpc"]?.equals("2.0") == true
    else { return stray(text) }
    let id = message["id"]
    if let method = message["method"]?.string {
      guard let id, !id.isNull else {
        handler.withLock { $0 }?.notification(method, message["params"], from: self)
        return
      }
      let request = ChildRequest(
        id: JSONFragment(id), method: method, params: message["params"], bytes: text.count,
        peer: self)
      state.withLock { $0.requestBytes += text.count }
      handler.withLock { $0 }?.request(request, from: self)
      return
    }
    if id?.string?.hasPrefix(Self.forgottenPrefix) == true { return }
    guard let number = id?.integer,
      let waiter = state.withLock({ $0.waiting.removeValue(forKey: number) })
    else {
      return logLine {
        "answered an unknown request: id \(id.map { JSONFragment($0).text } ?? "none")"
      }
    }
    if let error = message["error"], !error.isNull {
      waiter.response(.failure(.answer(ChildError.Answer(error))))
    } else if let result = message["result"] {
      waiter.response(.success(result))
    } else {
      waiter.response(.failure(.malformed("a response has neither result nor error")))
    }
  }

  func tooLongLine(_ start: [UInt8]) {
    // The id is among the first members of a response, in every implementation we know.
    if let id = Self.responseID(in: start),
      let waiter = state.withLock({ $0.waiting.removeValue(forKey: id) })
    {
      waiter.response(.failure(.tooLong))
      return
    }
    kill(because: "wrote a line that is too long")
  }

  /// Bytes of a line in which the id of a response is looked for.
  private static let responseStartBytes = 512

  private static func responseID(in start: [UInt8]) -> Int64? {
    let text = String(decoding: start, as: UTF8.self)
    let content = ["\"result\"", "\"error\""].compactMap { text.firstRange(of: $0)?.lowerBound }
    // Not an id inside the result.
    let head = text[..<(content.min() ?? text.endIndex)]
    guard head.firstRange(of: "\"method\"") == nil, let name = head.firstRange(of: "\"id\"")
    else { return nil }
    let rest = head[name.upperBound...].drop { $0 == " " || $0 == ":" }
    return Int64(rest.prefix { $0.isNumber })
  }

  private func stray(_ text: UnsafeBufferPointer<UInt8>) {
    // A response that cannot be read. Its call must not wait for its deadline.
    let start = Array(text.prefix(Self.responseStartBytes))
    if start.first == UInt8(ascii: "{"),
      String(decoding: start, as: UTF8.self).firstRange(of: "\"jsonrpc\"") != nil,
      let id = Self.responseID(in: start),
      let waiter = state.withLock({ $0.waiting.removeValue(forKey: id) })
    {
      waiter.response(.failure(.malformed("a response is no JSON-RPC message")))
    }
    logLine { "wrote a line to stdout that is no message: \(Self.shown(text))" }
  }

  private static func shown(_ text: UnsafeBufferPointer<UInt8>) -> String {
    String(decoding: text.prefix(logCharacters), as: UTF8.self)
  }

  func errorLine(_ text: String) {
    if !text.allSatisfy(\.isWhitespace) {
      // Connections share a program: its text must show no secret of another one.
      let quoted = String(log.redacted(text).prefix(Self.quotedCharacters))
      lastErrorLine.withLock { $0 = quoted }
    }
    logLine { "stderr: \(text.prefix(Self.logCharacters))" }
  }

  /// Logs a line of the program, within its share of the log.
  func logLine(_ level: LogLevel = .warning, _ text: () -> String) {
    guard level <= log.level else { return }
    let second = MonotonicTime.now.nanoseconds / 1_000_000_000
    let (writes, suppressed) = window.withLock { window -> (Bool, Int) in
      var suppressed = 0
      if window.second != second {
        suppressed = window.suppressed
        window = LogWindow(second: second)
      }
      window.lines += 1
      guard window.lines <= Self.logLinesPerSecond else {
        window.suppressed += 1
        return (false, suppressed)
      }
      return (true, suppressed)
    }
    logSuppressed(suppressed)
    guard writes else { return }
    let line = "plugin \(name): \(text())"
    switch level {
    case .error: log.error(line)
    case .warning: log.warning(line)
    case .info: log.info(line)
    case .debug: log.debug(line)
    }
  }

  private func logSuppressed(_ lines: Int) {
    if lines > 0 { log.warning("plugin \(name): \(lines) lines are not shown") }
  }

  func answered(_ request: ChildRequest) {
    state.withLock { $0.requestBytes -= request.bytes }
    resumeIfBusy()
  }

  func ended(_ ending: ChildStart.Ending) {
    let (waiting, reason) = state.withLock { state -> ([any Waiter], String) in
      let reason = state.fault ?? text(ending)
      state.end = reason
      defer { state.waiting = [:] }
      return (Array(state.waiting.values), reason)
    }
    for waiter in waiting { waiter.response(.failure(.ended(reason))) }
    logSuppressed(window.withLock { $0.suppressed })
    handler.withLock { $0.take() }?.ended(self, reason)
  }

  private func text(_ ending: ChildStart.Ending) -> String {
    switch ending {
    case .exit(let status):
      "ended with status \(status)" + (lastErrorLine.withLock { $0.map { ": \($0)" } } ?? "")
    case .signal where child.value?.wasEndedForClosedPipe == true:
      "closed its stdin or stdout"
    case .signal(let number): "was ended by signal \(number)"
    }
  }

  /// For requests whose response is dropped.
  private final class Forgotten: Waiter {
    static let shared = Forgotten()
    var queuedBytes: Int { 0 }
    func response(_ result: Result<JSON, ChildError>) {}
  }
}
