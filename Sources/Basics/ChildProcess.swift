import CTime
import Glibc

/// Programs that are run to their end.
package enum ChildProcess {
  /// The system has no process, descriptor or memory left for it.
  package struct Refusal: Error, Sendable {
    package let code: Int32

    package var reason: String { String(cString: strerror(code)) }
  }

  /// Runs a program found on PATH and reads its standard output; stdin is empty, stderr is shared.
  /// Blocks.
  ///
  /// - Returns: the output, and the exit status: 127 when there is no such program, 128 and the
  ///   signal's number when a signal ended it, 141 when it printed more than `maximumBytes`, 137
  ///   when it was killed since the deadline had passed.
  package static func run(
    _ words: [String], maximumBytes: Int, deadline: Deadline
  ) throws(Refusal) -> (output: [UInt8], status: Int) {
    var ends: [Int32] = [0, 0]
    guard let program = words.first else { return ([], 127) }
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw Refusal(code: errno) }
    let (readEnd, writeEnd) = (ends[0], ends[1])
    defer { close(readEnd) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, writeEnd, STDOUT_FILENO)

    // The host's own signal set-up must not reach the child.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let failure = posix_spawnp(&process, program, &actions, &attributes, arguments, environ)
    close(writeEnd)
    switch failure {
    case 0: break
    case EAGAIN, ENOMEM, EMFILE, ENFILE: throw Refusal(code: failure)
    default: return ([], 127)
    }

    let (output, ending) = readAll(readEnd, maximumBytes, deadline)
    if let ending { kill(process, ending) }
    let status = wait(process, deadline)
    let signal = Int(status & 0x7F)
    return (output, signal == 0 ? Int(status >> 8 & 0xFF) : 128 + signal)
  }

  /// The status that the process ends with; one that outlives its output and the deadline is killed.
  private static func wait(_ process: pid_t, _ deadline: Deadline) -> Int32 {
    var status: Int32 = 0
    while !deadline.hasPassed {
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process || (ended < 0 && errno != EINTR) { return status }
      // Nearly always it has ended at the first look; there is nothing to wait on otherwise.
      poll(nil, 0, 5)
    }
    kill(process, SIGKILL)
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return status
  }

  /// - Returns: the output, and the signal that ends a program which gives too much or too late.
  private static func readAll(
    _ descriptor: Int32, _ limit: Int, _ deadline: Deadline
  ) -> ([UInt8], ending: Int32?) {
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, Int32(clamping: deadline.remainingMilliseconds))
      if ready < 0 && errno == EINTR { continue }
      if ready == 0 { return ([], SIGKILL) }
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return (output, nil) }
      output.append(contentsOf: chunk.prefix(count))
      if output.count > limit { return ([], SIGPIPE) }
    }
  }
}
