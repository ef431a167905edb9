import CChild
import CTime
import Glibc
import Synchronization

/// Programs that are run to their end.
///
/// A program runs in a separate process group, without a terminal and without the descriptors of the host.
/// The group is killed at the deadline, when the caller stops it, and when the host exits.
package struct ChildProcess: Sendable {
  /// The program and its arguments.
  package let words: [String]
  package var environment: [String: String]
  /// Bytes of output at most. A program that prints more is killed.
  package var maximumBytes: Int

  package init(_ words: [String], environment: [String: String], maximumBytes: Int) {
    self.words = words
    self.environment = environment
    self.maximumBytes = maximumBytes
  }

  package enum Ending: Equatable, Sendable {
    case exit(status: Int)
    case signal(Int)
    /// Killed, since it printed more than `maximumBytes`.
    case tooMuchOutput
    case deadline
    case stopped

    fileprivate init(_ ending: ChildStart.Ending) {
      switch ending {
      case .exit(let status): self = .exit(status: status)
      case .signal(let number): self = .signal(number)
      }
    }
  }

  package struct Result: Sendable {
    package let ending: Ending
    /// Standard output.
    package let output: [UInt8]
    /// The end of standard error.
    package let errors: [UInt8]
  }

  /// Bytes of standard error that are kept.
  package static let maximumErrorBytes = 4_096
  /// Milliseconds between SIGTERM and SIGKILL.
  private static let endingMilliseconds = 200
  /// Milliseconds between two looks on a kernel without pidfd_open(2).
  private static let lookMilliseconds = 10

  // MARK: Running

  /// Runs the program. Its standard input is empty, and its output is complete when it exits, also
  /// if something that it started still holds the pipe. Blocks.
  ///
  /// The calling thread must live as long as the host: the program is killed with it.
  package func run(until deadline: Deadline, stop: Stop = Stop()) throws(ChildStart.Refusal)
    -> Result
  {
    let wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard wakeup >= 0 else { throw ChildStart.Refusal(code: errno) }
    guard stop.attach(wakeup) else {
      close(wakeup)
      return Result(ending: .stopped, output: [], errors: [])
    }
    defer {
      stop.detach()
      close(wakeup)
    }
    let output = try Pipe()
    let errors = try Pipe()
    let process = try start(output, errors)
    return Run(process, output, errors, wakeup: wakeup, maximumBytes: maximumBytes)
      .finish(by: deadline, stop)
  }

  /// - Returns: the id of the process, which leads the group of that id.
  private func start(_ output: Pipe, _ errors: Pipe) throws(ChildStart.Refusal) -> pid_t {
    let input = try Self.emptyInput()
    defer { close(input) }
    defer {
      output.closeWriteEnd()
      errors.closeWriteEnd()
    }
    return try ChildStart(words, environment: environment).start(
      input: input, output: output.writeEnd, errors: errors.writeEnd)
  }

  private static func emptyInput() throws(ChildStart.Refusal) -> Int32 {
    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 { return descriptor }
    // Also without /dev: a pipe that nobody writes to.
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw ChildStart.Refusal(code: errno) }
    close(ends[1])
    return ends[0]
  }
}

extension ChildProcess {
  /// Ends a run from another thread.
  package final class Stop: Sendable {
    private struct State {
      var isStopped = false
      var wakeup: Int32?
    }

    private let state = Mutex(State())

    package init() {}

    package var isStopped: Bool { state.withLock { $0.isStopped } }

    package func stop() {
      state.withLock { state in
        state.isStopped = true
        if let wakeup = state.wakeup { eventfd_write(wakeup, 1) }
      }
    }

    /// - Returns: false if the run is not to start any more.
    fileprivate func attach(_ wakeup: Int32) -> Bool {
      state.withLock { state in
        if state.isStopped { return false }
        state.wakeup = wakeup
        return true
      }
    }

    fileprivate func detach() { state.withLock { $0.wakeup = nil } }
  }

  /// One pipe; its ends are closed with it.
  private final class Pipe {
    let readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws(ChildStart.Refusal) {
      var ends: [Int32] = [0, 0]
      guard pipe2(&ends, O_CLOEXEC) == 0 else { throw ChildStart.Refusal(code: errno) }
      (readEnd, writeEnd) = (ends[0], ends[1])
      _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
    }

    deinit {
      close(readEnd)
      closeWriteEnd()
    }

    func closeWriteEnd() {
      if writeEnd >= 0 { close(writeEnd) }
      writeEnd = -1
    }
  }

  /// A running program.
  private final class Run {
    private let process: pid_t
    private let output: Pipe
    private let errors: Pipe
    private let wakeup: Int32
    private let maximumBytes: Int
    /// Readable when the program has ended; -1 on kernels without.
    private let exit: Int32
    private var outputBytes: [UInt8] = []
    private var errorBytes: [UInt8] = []
    private var isOutputOpen = true
    private var areErrorsOpen = true

    init(
      _ process: pid_t, _ output: Pipe, _ errors: Pipe, wakeup: Int32, maximumBytes: Int
    ) {
      (self.process, self.output, self.errors) = (process, output, errors)
      (self.wakeup, self.maximumBytes) = (wakeup, maximumBytes)
      exit = sallyport_child_descriptor(process)
    }

    deinit { if exit >= 0 { close(exit) } }

    func finish(by deadline: Deadline, _ stop: Stop) -> Result {
      var ending: Ending?
      while !hasEnded {
        if stop.isStopped {
          ending = .stopped
        } else if outputBytes.count > maximumBytes {
          ending = .tooMuchOutput
        } else if deadline.hasPassed {
          ending = .deadline
        }
        if ending != nil { break }
        wait(until: deadline)
      }
      if ending != nil { killGroup() }
      readAll()
      let own = ChildStart.reap(process)
      if ending == nil, outputBytes.count > maximumBytes { ending = .tooMuchOutput }
      return Result(
        ending: ending ?? Ending(own), output: ending == nil ? outputBytes : [], errors: errorBytes)
    }

    private var wantsOutput: Bool { isOutputOpen && outputBytes.count <= maximumBytes }
    private var hasEnded: Bool { sallyport_child_has_ended(process) != 0 }

    private func killGroup() {
      kill(-process, SIGTERM)
      let patience = Deadline(inMilliseconds: ChildProcess.endingMilliseconds)
      while !hasEnded, !patience.hasPassed { wait(until: patience, watchesStop: false) }
      // Also what the program has started, which may have survived it.
      kill(-process, SIGKILL)
    }

    /// Waits for output, the end of the program, a stop or the deadline.
    private func wait(until deadline: Deadline, watchesStop: Bool = true) {
      var entries = [
        pollfd(fd: wantsOutput ? output.readEnd : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: areErrorsOpen ? errors.readEnd : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: exit, events: Int16(POLLIN), revents: 0),
        pollfd(fd: watchesStop ? wakeup : -1, events: Int16(POLLIN), revents: 0),
      ]
      let remaining = deadline.remainingMilliseconds
      let milliseconds = exit >= 0 ? remaining : min(remaining, ChildProcess.lookMilliseconds)
      guard poll(&entries, nfds_t(entries.count), Int32(clamping: milliseconds)) > 0 else { return }
      readAll(chunks: 1)
    }

    /// Reads what the pipes hold, without waiting.
    private func readAll(chunks: Int = .max) {
      var left = chunks
      while left > 0, wantsOutput, let chunk = read(output.readEnd, &isOutputOpen) {
        outputBytes += chunk
        left -= 1
      }
      left = min(chunks, 64)
      while left > 0, areErrorsOpen, let chunk = read(errors.readEnd, &areErrorsOpen) {
        errorBytes = (errorBytes + chunk).suffix(ChildProcess.maximumErrorBytes)
        left -= 1
      }
    }

    /// - Returns: nil if there is nothing to read now.
    private func read(_ descriptor: Int32, _ isOpen: inout Bool) -> [UInt8]? {
      var chunk = [UInt8](repeating: 0, count: 16_384)
      while true {
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        if count < 0 && errno == EAGAIN { return nil }
        if count <= 0 { isOpen = false }
        return count > 0 ? Array(chunk.prefix(count)) : nil
      }
    }
  }
}

extension ChildProcess {
  /// The variables of the host that programs get unasked: what finds programs, files and the
  /// language. Other variables may hold secrets of other programs.
  package static func isPassedOn(_ variable: String) -> Bool {
    ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR"].contains(variable)
      || variable.hasPrefix("LC_") || variable.hasPrefix("XDG_")
  }

  /// The environment of a program.
  ///
  /// - Parameter names: of further variables of the host.
  package static func environment(with names: [String] = []) -> [String: String] {
    var chosen: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      entry += 1
      let pair = String(cString: text)
      guard let equals = pair.firstIndex(of: "=") else { continue }
      let name = String(pair[..<equals])
      if isPassedOn(name) || names.contains(name) {
        chosen[name] = String(pair[pair.index(after: equals)...])
      }
    }
    return chosen
  }

  /// The programs on PATH. Blocks.
  package static func programsOnPath() -> [String] {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin"
    var names: Set<String> = []
    for directory in path.split(separator: ":") {
      guard let open = opendir(String(directory)) else { continue }
      defer { closedir(open) }
      while let entry = readdir(open) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
        }
        names.insert(name)
      }
    }
    return names.sorted()
  }
}
