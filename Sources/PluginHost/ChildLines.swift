import Basics
import CChild
import Glibc
import Synchronization

/// A running program that exchanges lines with the host on its stdin and stdout.
///
/// One thread per program reads its output and writes what its stdin did not take at once. Nothing blocks the
/// caller: a program that does not read its stdin makes `send` fail once `maximumQueuedBytes` wait.
final class ChildLines: Sendable {
  /// Receives the output of a program. All functions are called on its thread.
  protocol Listener: AnyObject, Sendable {
    /// One line of stdout, without its end. Valid only during the call.
    func line(_ text: UnsafeBufferPointer<UInt8>)
    /// A line of stdout that is too long, with its start. Called before its end arrives.
    func tooLongLine(_ start: [UInt8])
    /// One line of stderr.
    func errorLine(_ text: String)
    /// The program has ended, with all that it started. Called once, last.
    func ended(_ ending: ChildStart.Ending)
    /// Suspends reading while it is true; `resume` continues.
    var isBusy: Bool { get }
  }

  /// Bytes that wait for a program to read its stdin, at most.
  static let maximumQueuedBytes = 64 * 1_024 * 1_024
  /// Bytes of one line of stderr that are kept.
  private static let maximumErrorLineBytes = 2_048
  /// Milliseconds between the end of stdin and SIGTERM, and between SIGTERM and SIGKILL.
  static let graceMilliseconds = 2_000

  private struct Output {
    var queue: [UInt8] = []
    var written = 0
    /// No more bytes are taken.
    var isClosed = false
    /// Close stdin when the queue is empty.
    var closesWhenEmpty = false
    var descriptor: Int32
  }

  private struct Ending {
    /// When the group gets SIGTERM, and SIGKILL; nil while it may run.
    var terminate: Deadline?
    var kill: Deadline?
  }

  let process: pid_t
  private let maximumLineBytes: Int
  private let standardOutput: Int32
  private let standardError: Int32
  private let wakeup: Int32
  private let exit: Int32
  private let output: Mutex<Output>
  private let ending = Mutex(Ending())
  /// Whether its thread ends and reaps it.
  private let isRun = Mutex(false)
  private let brokenPipe = Mutex(BrokenPipe.none)

  /// Starts the program. Blocks, on a thread that must live as long as the host.
  init(_ start: ChildStart, maximumLineBytes: Int) throws(ChildStart.Refusal) {
    self.maximumLineBytes = maximumLineBytes
    var opened: [Int32] = []
    func pair() throws(ChildStart.Refusal) -> (read: Int32, write: Int32) {
      do throws(ChildStart.Refusal) {
        let ends = try ChildStart.pipe()
        opened += [ends.read, ends.write]
        return ends
      } catch {
        for descriptor in opened { close(descriptor) }
        throw error
      }
    }
    let input = try pair()
    let output = try pair()
    let errors = try pair()
    wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard wakeup >= 0 else {
      let code = errno
      for descriptor in opened { close(descriptor) }
      throw ChildStart.Refusal(code: code)
    }
    do throws(ChildStart.Refusal) {
      process = try start.start(input: input.read, output: output.write, errors: errors.write)
    } catch {
      for descriptor in opened + [wakeup] { close(descriptor) }
      throw error
    }
    for descriptor in [input.read, output.write, errors.write] { close(descriptor) }
    for descriptor in [input.write, output.read, errors.read] {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }
    (standardOutput, standardError) = (output.read, errors.read)
    exit = sallyport_child_descriptor(process)
    self.output = Mutex(Output(descriptor: input.write))
  }

  /// Starts to read. Must be called once.
  ///
  /// - Returns: false if the system has no thread; the program is killed when it is released.
  func run(for listener: any Listener) -> Bool {
    isRun.withLock { $0 = true }
    let code = NamedThread.start("plugin") { [self] in
      Loop(self, listener, maximumLineBytes).run()
    }
    if code != 0 { isRun.withLock { $0 = false } }
    return code == 0
  }

  /// A program that nobody has waited for long enough is killed.
  deinit {
    guard !isRun.withLock({ $0 }) else { return }
    kill(-process, SIGKILL)
    _ = ChildStart.reap(process)
    release()
  }

  // MARK: For callers

  /// Whether it can be asked for something: its stdin and stdout are open, and nobody ends it.
  var takesRequests: Bool { output.withLock { !$0.isClosed && !$0.closesWhenEmpty } }

  /// Writes bytes to stdin, at once or later. A single message may have any size.
  ///
  /// - Returns: false if the program has ended or does not read its stdin. It gets no part of the bytes
  ///   then, or is ended.
  func send(_ bytes: [UInt8]) -> Bool {
    var isBroken = false
    let (isTaken, waits) = output.withLock { output -> (Bool, Bool) in
      guard !output.isClosed, !output.closesWhenEmpty else { return (false, false) }
      var rest = bytes[...]
      let isEmpty = output.queue.isEmpty
      if output.queue.isEmpty {
        while !rest.isEmpty {
          let count = rest.withUnsafeBytes { write(output.descriptor, $0.baseAddress, $0.count) }
          if count < 0, errno == EINTR { continue }
          if count < 0, errno == EAGAIN { break }
          // The program has closed its stdin.
          guard count > 0 else {
            isBroken = true
            return (false, false)
          }
          rest = rest.dropFirst(count)
        }
        if rest.isEmpty { return (true, false) }
      }
      guard
        isEmpty
          || output.queue.count - output.written + rest.count <= Self.maximumQueuedBytes
      else { return (false, false) }
      output.queue.append(contentsOf: rest)
      return (true, true)
    }
    if isBroken { finishBroken() } else if waits { wake() }
    return isTaken
  }

  /// Lets the program end: closes its stdin, then terminates and kills it.
  func finish() {
    let isFirst = output.withLock { output in
      defer { output.closesWhenEmpty = true }
      return !output.closesWhenEmpty
    }
    // Its thread calls this in a loop, which `wake` would keep busy.
    guard isFirst else { return }
    ending.withLock { ending in
      if ending.terminate == nil {
        ending.terminate = Deadline(inMilliseconds: Self.graceMilliseconds)
        ending.kill = Deadline(inMilliseconds: 2 * Self.graceMilliseconds)
      }
    }
    wake()
  }

  /// Lets a program end that has closed its stdin or stdout.
  private func finishBroken() {
    guard takesRequests else { return finish() }
    brokenPipe.withLock { $0 = .closed }
    finish()
  }

  private enum BrokenPipe {
    case none
    /// The program has closed it, or is ending.
    case closed
    /// The host has ended the program therefore.
    case ended
  }

  /// Whether the host has ended it because it had closed its stdin or stdout.
  var wasEndedForClosedPipe: Bool { brokenPipe.withLock { $0 == .ended } }

  /// Kills the program, and what it started.
  func killNow() {
    ending.withLock { ending in
      ending.terminate = Deadline(inMilliseconds: 0)
      ending.kill = Deadline(inMilliseconds: 0)
    }
    wake()
  }

  /// Reads on after the listener was busy.
  func resume() { wake() }

  private func wake() { eventfd_write(wakeup, 1) }

  private func closeInput() {
    output.withLock { output in
      output.isClosed = true
      output.queue = []
      if output.descriptor >= 0 { close(output.descriptor) }
      output.descriptor = -1
    }
  }

  private func release() {
    closeInput()
    close(standardOutput)
    close(standardError)
    close(wakeup)
    if exit >= 0 { close(exit) }
  }

  // MARK: The thread

  private struct Loop: ~Copyable {
    private static let pieceBytes = 64 * 1_024
    /// Milliseconds between two looks on a kernel without pidfd_open(2).
    private static let lookMilliseconds = 20

    private let child: ChildLines
    private let listener: any Listener
    private var lines: ChildLineSplitter
    private var errorLines: ChildLineSplitter
    private var isOutputOpen = true
    private var areErrorsOpen = true
    private let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Loop.pieceBytes, alignment: 16)

    init(_ child: ChildLines, _ listener: any Listener, _ maximumLineBytes: Int) {
      self.child = child
      self.listener = listener
      lines = ChildLineSplitter(maximumBytes: maximumLineBytes)
      errorLines = ChildLineSplitter(maximumBytes: ChildLines.maximumErrorLineBytes)
    }

    deinit { piece.deallocate() }

    consuming func run() {
      while sallyport_child_has_ended(child.process) == 0 {
        wait()
        writeQueue()
        signalGroup()
        if !listener.isBusy { readOutput(pieces: 1) }
        readErrors(pieces: 4)
        // Nothing can be asked of a program that has closed its stdout.
        if !isOutputOpen { child.finishBroken() }
      }
      // Also what the program has started, which may have survived it and go on writing.
      kill(-child.process, SIGKILL)
      readOutput(pieces: Self.pieces(in: child.standardOutput))
      readErrors(pieces: Self.pieces(in: child.standardError))
      let ending = ChildStart.reap(child.process)
      child.release()
      listener.ended(ending)
    }

    /// The number of reads for what a pipe holds now. A process outside the group may fill it again.
    private static func pieces(in pipe: Int32) -> Int {
      var bytes: Int32 = 0
      _ = ioctl(pipe, UInt(FIONREAD), &bytes)
      return Int(bytes) / pieceBytes + 1
    }

    private func wait() {
      let (waits, deadline) = (
        child.output.withLock { !$0.queue.isEmpty && !$0.isClosed },
        child.ending.withLock { $0.terminate ?? $0.kill }
      )
      let input = child.output.withLock { $0.descriptor }
      var entries = [
        pollfd(
          fd: isOutputOpen && !listener.isBusy ? child.standardOutput : -1,
          events: Int16(POLLIN), revents: 0),
        pollfd(fd: areErrorsOpen ? child.standardError : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: child.exit, events: Int16(POLLIN), revents: 0),
        pollfd(fd: child.wakeup, events: Int16(POLLIN), revents: 0),
        pollfd(fd: waits ? input : -1, events: Int16(POLLOUT), revents: 0),
      ]
      var milliseconds = deadline.map { Int32(clamping: $0.remainingMilliseconds) } ?? -1
      if child.exit < 0 {
        let look = Int32(Self.lookMilliseconds)
        milliseconds = milliseconds < 0 ? look : min(look, milliseconds)
      }
      guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return }
      if entries[3].revents != 0 {
        var count: eventfd_t = 0
        eventfd_read(child.wakeup, &count)
      }
    }

    private func writeQueue() {
      var isBroken = false
      let isFinished = child.output.withLock { output -> Bool in
        guard !output.isClosed else { return false }
        while output.written < output.queue.count {
          let count = output.queue[output.written...].withUnsafeBytes {
            write(output.descriptor, $0.baseAddress, $0.count)
          }
          if count < 0, errno == EINTR { continue }
          if count < 0, errno == EAGAIN { break }
          guard count > 0 else {
            // The program has closed its stdin.
            isBroken = true
            return true
          }
          output.written += count
        }
        if output.written == output.queue.count {
          output.queue = []
          output.written = 0
          return output.closesWhenEmpty
        }
        return false
      }
      if isFinished { child.closeInput() }
      // Calls that it has not read must not wait for their deadlines.
      if isBroken { child.finishBroken() }
    }

    private func signalGroup() {
      let signal = child.ending.withLock { ending -> Int32? in
        if let kill = ending.kill, kill.hasPassed {
          (ending.terminate, ending.kill) = (nil, nil)
          return SIGKILL
        }
        if let terminate = ending.terminate, terminate.hasPassed {
          ending.terminate = nil
          return SIGTERM
        }
        return nil
      }
      guard let signal else { return }
      child.brokenPipe.withLock { if $0 == .closed { $0 = .ended } }
      kill(-child.process, signal)
    }

    private mutating func readOutput(pieces: Int) {
      var left = pieces
      while left > 0, isOutputOpen {
        let count = read(child.standardOutput, piece.baseAddress, piece.count)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN { return }
        guard count > 0 else {
          isOutputOpen = false
          return
        }
        lines.append(
          UnsafeBufferPointer(rebasing: piece[..<count].bindMemory(to: UInt8.self)[...])
        ) { [listener] line in
          switch line {
          case .text(let text): listener.line(text)
          case .tooLong(let start): listener.tooLongLine(start)
          }
        }
        left -= 1
      }
    }

    private mutating func readErrors(pieces: Int) {
      var left = pieces
      while left > 0, areErrorsOpen {
        let count = read(child.standardError, piece.baseAddress, piece.count)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN { return }
        guard count > 0 else {
          areErrorsOpen = false
          return
        }
        errorLines.append(
          UnsafeBufferPointer(rebasing: piece[..<count].bindMemory(to: UInt8.self)[...])
        ) { [listener] line in
          switch line {
          case .text(let text): listener.errorLine(String(decoding: text, as: UTF8.self))
          case .tooLong(let start): listener.errorLine(String(decoding: start, as: UTF8.self) + "…")
          }
        }
        left -= 1
      }
    }
  }
}
