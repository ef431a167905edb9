import Basics
import Glibc
import JSON
import Redaction
import Synchronization

/// One line for each command that ran: who asked for what, on which connection, how it ended.
///
/// Records are written by blocking work, in their order. A file that takes nothing for now, such as
/// a FIFO without a reader, delays no answer: its records wait in memory until it takes them.
package final class AuditFile: Sendable {
  /// Bytes of records that wait. Later ones are dropped, and counted in the log.
  static let maximumWaitingBytes = 16 * 1_024 * 1_024
  /// Milliseconds that an answer waits at most until its record is written.
  static let patienceMilliseconds = 1_000
  /// Milliseconds between two attempts to write to a file that takes nothing: first and longest.
  private static let firstPauseMilliseconds = 20
  private static let longestPauseMilliseconds = 1_000

  private struct State {
    var waiting: [UInt8] = []
    /// Of the answers whose records wait: until the next attempt.
    var latches: [Latch] = []
    /// Of `flush`: until nothing waits.
    var flushLatches: [Latch] = []
    var dropped = 0
    var isWriting = false
    /// The file took nothing at the last attempt.
    var isStalled = false
    /// The next attempt opens the file anew.
    var reopens = false
  }

  private struct Work {
    let bytes: [UInt8]
    let latches: [Latch]
    let reopens: Bool
  }

  private enum Attempt {
    case written
    /// With what is not written.
    case stalled([UInt8])
    case failed(FileError)
  }

  private let path: String
  private let secrets: Redactor
  private let log: Log
  private let state = Mutex(State())
  /// Of the audit lane's only thread. Nil while a FIFO has no reader.
  private let descriptor: Mutex<Int32?>

  /// Appends to the file, which only its owner may read.
  package init(_ path: String, secrets: Redactor, log: Log) throws(ConfigurationError) {
    self.path = path
    self.secrets = secrets
    self.log = log
    do throws(FileError) {
      let opened = try Self.open(path) { log.warning($0) }
      if opened == nil {
        log.warning("the audit file \(path) is a FIFO without a reader: its records wait for one")
      }
      descriptor = Mutex(opened)
    } catch {
      throw ConfigurationError("--audit: \(error)")
    }
  }

  /// - Returns: nil for a FIFO without a reader.
  private static func open(
    _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) -> Int32? {
    do throws(FileError) {
      // Such as /dev/stderr.
      return try TrustedFile.openForWriting(
        path, O_WRONLY | O_APPEND | O_NONBLOCK, acceptsStreams: true, warn: warn)
    } catch {
      var status = stat()
      guard error.code == ENXIO, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO
      else { throw error }
      try TrustedFile.check(path, warn: warn)
      return nil
    }
  }

  // MARK: For callers

  /// Has the record written, and waits for that until the deadline, a second at most. It does not
  /// wait while the file takes nothing.
  func write(_ record: JSONFragment, until deadline: Deadline) async {
    var line = secrets.redact(json: record.bytes, AuditRecord.layout)
    line.append(0x0A)
    let latch = Latch()
    let waits = state.withLock { state in
      guard state.waiting.count + line.count <= Self.maximumWaitingBytes else {
        state.dropped += 1
        return false
      }
      state.waiting.append(contentsOf: line)
      if !state.isStalled { state.latches.append(latch) }
      return !state.isStalled
    }
    startWriting()
    guard waits else { return }
    _ = await latch.wait(until: deadline.orEarlier(inMilliseconds: Self.patienceMilliseconds))
  }

  /// Closes the file and opens it anew, as after a rotation, before the next record is written.
  package func reopen() {
    state.withLock { $0.reopens = true }
    startWriting()
  }

  /// Waits until all records are written, and says in the log how many bytes are not.
  ///
  /// - Returns: false when the deadline passed first.
  @discardableResult
  package func flush(until deadline: Deadline) async -> Bool {
    let latch = state.withLock { state -> Latch? in
      guard state.isWriting else { return nil }
      let latch = Latch()
      state.flushLatches.append(latch)
      return latch
    }
    if await latch?.wait(until: deadline) ?? true { return true }
    let bytes = state.withLock { $0.waiting.count }
    log.error("\(bytes) bytes of audit records were not written to \(path)")
    return false
  }

  // MARK: Writing

  private func startWriting() {
    let isFirst = state.withLock { state in
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if isFirst { Task.detached { await self.writeAll() } }
  }

  private func writeAll() async {
    var pause = Self.firstPauseMilliseconds
    while let work = next() {
      let attempt: Attempt
      do throws(BlockingWork.Interruption) {
        attempt = try await BlockingWork.audit.run {
          self.write(work.bytes, reopens: work.reopens)
        }
      } catch {
        attempt = .stalled(work.bytes)
      }
      let isStalled = isStalled(after: attempt)
      // Nobody waits for a file that takes nothing, except for `flush`.
      for latch in work.latches { latch.signal() }
      if isStalled {
        await Task.pause(milliseconds: pause)
        pause = min(2 * pause, Self.longestPauseMilliseconds)
      } else {
        pause = Self.firstPauseMilliseconds
      }
    }
  }

  /// - Returns: nil when nothing is left to do.
  private func next() -> Work? {
    let (work, flushed) = state.withLock { state -> (Work?, [Latch]) in
      guard !state.waiting.isEmpty || state.reopens else {
        state.isWriting = false
        defer { state.flushLatches = [] }
        return (nil, state.flushLatches)
      }
      defer { (state.waiting, state.latches, state.reopens) = ([], [], false) }
      return (Work(bytes: state.waiting, latches: state.latches, reopens: state.reopens), [])
    }
    for latch in flushed { latch.signal() }
    return work
  }

  private func isStalled(after attempt: Attempt) -> Bool {
    let (isStalled, dropped) = state.withLock { state in
      defer { state.dropped = 0 }
      state.isStalled = false
      if case .stalled(let rest) = attempt {
        state.waiting = rest + state.waiting
        state.isStalled = true
      }
      return (state.isStalled, state.dropped)
    }
    if case .failed(let error) = attempt { log.error("the audit file cannot be written: \(error)") }
    if dropped > 0 { log.error("\(dropped) audit records were dropped: \(path) takes nothing") }
    return isStalled
  }

  // MARK: On the thread of the lane

  private func write(_ bytes: [UInt8], reopens: Bool) -> Attempt {
    do throws(FileError) {
      if reopens {
        // The old file is kept if the new one cannot be opened.
        let new = try Self.open(path)
        closeFile()
        descriptor.withLock { $0 = new }
      }
    } catch {
      log.error("the audit file cannot be reopened, and its old one is kept: \(error)")
    }
    do throws(FileError) {
      var current = descriptor.withLock { $0 }
      if current == nil {
        current = try Self.open(path)
        descriptor.withLock { $0 = current }
      }
      guard let current else { return .stalled(bytes) }
      return write(bytes, to: current)
    } catch {
      return .failed(error)
    }
  }

  private func write(_ bytes: [UInt8], to open: Int32) -> Attempt {
    // Whole lines in one write: with O_APPEND, lines of several processes do not mix.
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(open, $0.baseAddress.map { $0 + written }, $0.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .stalled(Array(bytes[written...]))
      case EPIPE:
        // The reader of a FIFO went away; another one may come.
        closeFile()
        return .stalled(Array(bytes[written...]))
      case let code: return .failed(FileError(path: path, code: code))
      }
    }
    return .written
  }

  private func closeFile() {
    if let old = descriptor.withLock({ $0.take() }) { close(old) }
  }
}
