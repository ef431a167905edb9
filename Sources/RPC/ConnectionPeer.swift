import Basics
import Glibc
import JSON
import Redaction

/// The caller's end of a connection in the same process. For tests.
///
/// Pipes connect the two ends, so backpressure and a closed output are real. Waits time out after
/// `patienceMilliseconds`, which only a hung test reaches.
package final class ConnectionPeer: Sendable {
  private static let patienceMilliseconds = 120_000

  private struct State {
    var received: [UInt8] = []
    var isInputOpen = true
    var isOutputOpen = true
  }

  package let connection: Connection
  private let input: Int32
  private let output: Int32
  /// The end that the connection writes to.
  private let source: Int32
  private let monitor = Monitor(State())
  private let ending = Monitor<Connection.Ending?>(nil)
  private let lane = BlockingWork("peer", threads: 1)

  fileprivate init(_ connection: Connection, input: Int32, output: Int32, source: Int32) {
    self.connection = connection
    self.input = input
    self.output = output
    self.source = source
  }

  deinit {
    closeInput()
    closeOutput()
    close(source)
  }

  /// Sends a line.
  ///
  /// - Returns: whether the other end still reads.
  @discardableResult
  package func send(_ line: String) -> Bool {
    FileDescriptor.writeAll(Array("\(line)\n".utf8), to: input) == 0
  }

  /// The next line from the other end; nil at EOF or after a timeout.
  package func receive() async -> String? {
    (try? await lane.run { [self] in
      receiveBlocking(until: Deadline(inMilliseconds: Self.patienceMilliseconds))
    }) ?? nil
  }

  /// The lines that are available without waiting.
  package func receiveRest() async -> [String] {
    var lines: [String] = []
    while let line = try? await lane.run({ [self] in
      receiveBlocking(until: Deadline(inMilliseconds: 0))
    }) {
      lines.append(line)
    }
    return lines
  }

  /// The next `count` lines from the other end; fewer at EOF or after a timeout.
  package func receive(_ count: Int) async -> [String] {
    var lines: [String] = []
    while lines.count < count, let line = await receive() { lines.append(line) }
    return lines
  }

  private func receiveBlocking(until deadline: Deadline) -> String? {
    while true {
      let line = monitor.withLock { state -> String? in
        guard let end = state.received.firstIndex(of: 0x0A) else { return nil }
        defer { state.received.removeSubrange(...end) }
        return String(decoding: state.received[..<end], as: UTF8.self)
      }
      if let line { return line }
      var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard poll(&descriptor, 1, Int32(clamping: deadline.remainingMilliseconds)) > 0 else {
        return nil
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = read(output, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      monitor.withLock { $0.received.append(contentsOf: chunk.prefix(count)) }
    }
  }

  /// Ends the input of the connection.
  package func closeInput() {
    let isFirst = monitor.withLock { state in
      defer { state.isInputOpen = false }
      return state.isInputOpen
    }
    if isFirst { close(input) }
  }

  /// Stops reading, like a caller that has exited.
  package func closeOutput() {
    let isFirst = monitor.withLock { state in
      defer { state.isOutputOpen = false }
      return state.isOutputOpen
    }
    if isFirst { close(output) }
  }

  /// How the connection ended; nil after a timeout.
  package func waitForEnding() async -> Connection.Ending? {
    let ended = try? await lane.run { [self] in
      ending.wait(until: Deadline(inMilliseconds: Self.patienceMilliseconds)) { $0 }
    }
    return ended ?? nil
  }

  fileprivate func connectionEnded(_ how: Connection.Ending?) {
    ending.withLock { $0 = how }
    ending.notify()
  }
}

extension Connection {
  /// Starts a connection on a thread of this process and returns the caller's end of it.
  ///
  /// - Parameter handlers: called on the reading thread.
  package static func memoryPair(
    limits: ConnectionLimits = ConnectionLimits(), redactor: Redactor = Redactor(),
    observer: (any ConnectionObserver)? = nil,
    handlers: @escaping @Sendable (Connection) -> [any Handler]
  ) throws(FileError) -> ConnectionPeer {
    let (inputRead, inputWrite) = try pipeEnds()
    let (outputRead, outputWrite) = try pipeEnds()
    let connection = try Connection(
      to: outputWrite, limits: limits, redactor: redactor,
      log: Log(level: .error) { redactor.redact($0) }, observer: observer)
    let peer = ConnectionPeer(
      connection, input: inputWrite, output: outputRead, source: outputWrite)
    NamedThread.start("connection") { [weak peer] in
      let ending = try? connection.run([inputRead], handlers: handlers(connection))
      close(inputRead)
      peer?.connectionEnded(ending)
    }
    return peer
  }

  private static func pipeEnds() throws(FileError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
