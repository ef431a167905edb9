import Glibc

public enum LogLevel: Int, Comparable, Sendable, CaseIterable {
  case error, warning, info, debug

  public var name: String {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .info: "info"
    case .debug: "debug"
    }
  }

  public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}

/// A log for people, on stderr.
///
/// A dedicated thread writes the lines from a bounded queue, so a reader that does not drain stderr
/// delays nothing. Lines that do not fit are dropped and counted; the log reports the number later.
/// Known secrets are redacted, and hidden controls are made visible: one record is one line.
public final class Log: Sendable {
  /// Maximum number of queued lines. Further lines are dropped and counted.
  public static let queueLines = 1_000
  /// Maximum length of a message in Unicode scalars. The rest is truncated.
  public static let lineScalars = 4_096

  private struct State {
    var lines: [String] = []
    var dropped = 0
    var isWriting = false
    var hasThread = false
  }

  public let level: LogLevel
  private let redact: @Sendable (String) -> String
  private let format: @Sendable (LogRecord) -> String
  private let descriptor: Int32
  private let monitor = Monitor(State())

  /// - Parameters:
  ///   - format: makes the line of a record, without its end.
  ///   - redact: replaces known secrets in a text.
  public init(
    level: LogLevel, descriptor: Int32 = STDERR_FILENO,
    format: @escaping @Sendable (LogRecord) -> String = { $0.text },
    redact: @escaping @Sendable (String) -> String
  ) {
    self.level = level
    self.redact = redact
    self.format = format
    self.descriptor = descriptor
  }

  public func error(_ text: @autoclosure () -> String) { write(.error, text) }
  public func warning(_ text: @autoclosure () -> String) { write(.warning, text) }

  public func info(
    _ text: @autoclosure () -> String, fields: @autoclosure () -> [LogField] = []
  ) {
    write(.info, text, fields)
  }

  public func debug(
    _ text: @autoclosure () -> String, fields: @autoclosure () -> [LogField] = []
  ) {
    write(.debug, text, fields)
  }

  /// A text with all known secrets replaced, as in the log.
  public func redacted(_ text: String) -> String { redact(text) }

  public func isEnabled(_ level: LogLevel) -> Bool { level <= self.level }

  private func write(
    _ level: LogLevel, _ text: () -> String, _ fields: () -> [LogField] = { [] }
  ) {
    guard level <= self.level else { return }
    let line = format(LogRecord(level, text(), fields(), redact: redact)) + "\n"
    let startThread = monitor.withLock { state in
      if state.lines.count < Self.queueLines {
        state.lines.append(line)
      } else {
        state.dropped += 1
      }
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if startThread, NamedThread.start("log", { [self] in drain() }) != 0 {
      // The next line tries again.
      monitor.withLock { $0.hasThread = false }
    }
    monitor.notify()
  }

  private func drain() {
    while true {
      let lines = monitor.wait { state -> [String]? in
        guard !state.lines.isEmpty else { return nil }
        var lines = state.lines
        if state.dropped > 0 {
          let record = LogRecord(
            .warning, "\(state.dropped) log lines dropped: stderr was not read", [],
            redact: { $0 })
          lines.append(format(record) + "\n")
        }
        state.lines = []
        state.dropped = 0
        state.isWriting = true
        return lines
      }
      for line in lines ?? [] { FileDescriptor.writeAll(Array(line.utf8), to: descriptor) }
      monitor.withLock { $0.isWriting = false }
      monitor.notify()
    }
  }

  /// Waits until all lines are written, at most `milliseconds`. Called on exit.
  public func flush(milliseconds: Int = 200) {
    // Without a thread, because the system refused it, this one writes.
    let unwritten = monitor.withLock { state -> [String] in
      guard !state.hasThread else { return [] }
      defer { state.lines = [] }
      return state.lines
    }
    for line in unwritten { FileDescriptor.writeAll(Array(line.utf8), to: descriptor) }
    _ = monitor.wait(until: Deadline(inMilliseconds: milliseconds)) { state -> Bool? in
      state.lines.isEmpty && !state.isWriting ? true : nil
    }
  }
}
