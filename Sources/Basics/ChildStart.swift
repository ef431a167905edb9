import CChild
import CTime
import Glibc
import Synchronization

/// The start of a program in a separate process group, without a terminal and without the descriptors of
/// the host. The group is killed when the host exits.
package struct ChildStart {
  /// The program and its arguments.
  private let words: [String]
  private let environment: [String: String]
  /// Nil for the working directory of the host.
  package var directory: String?
  /// Bytes of memory that the program may write; nil for no limit.
  package var maximumMemoryBytes: Int?

  package init(_ words: [String], environment: [String: String]) {
    self.words = words
    self.environment = environment
  }

  /// Why a program did not start.
  package struct Refusal: Error, Sendable {
    package let code: Int32

    package init(code: Int32) { self.code = code }

    package var reason: String { String(cString: strerror(code)) }

    /// Whether the program itself is the reason, not the state of the machine.
    package var concernsProgram: Bool {
      [ENOENT, EACCES, ENOTDIR, ENOEXEC, ELOOP, ENAMETOOLONG, EISDIR, E2BIG, EPERM].contains(code)
    }
  }

  /// How a program ended.
  package enum Ending: Equatable, Sendable {
    case exit(status: Int)
    case signal(Int)
  }

  /// Starts the program. Blocks.
  ///
  /// The calling thread must live as long as the host: the program is killed with it.
  ///
  /// - Returns: the id of the process, which leads the group of that id.
  package func start(input: Int32, output: Int32, errors: Int32) throws(Refusal) -> pid_t {
    let arguments = CStrings(words)
    let environment = CStrings(self.environment.map { "\($0)=\($1)" })
    let directory = CStrings(self.directory.map { [$0] } ?? [])
    var program = sallyport_child_program()
    program.descriptors = UInt(DescriptorLimit.original)
    program.arguments = UnsafePointer(arguments.pointers)
    program.environment = UnsafePointer(environment.pointers)
    program.directory = UnsafePointer(directory.pointers[0])
    program.memory = UInt(maximumMemoryBytes ?? 0)
    (program.input, program.output, program.error) = (input, output, errors)
    var process = pid_t()
    let code = withExtendedLifetime((arguments, environment, directory)) {
      sallyport_child_start(&program, &process)
    }
    guard code == 0 else { throw Refusal(code: code) }
    Self.groups.withLock { _ = $0.insert(process) }
    return process
  }

  /// A pipe whose ends no program inherits.
  package static func pipe() throws(Refusal) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw Refusal(code: errno) }
    return (ends[0], ends[1])
  }

  // MARK: Groups

  /// The groups of running programs.
  private static let groups = Mutex<Set<pid_t>>([])

  /// Kills all running programs and what they started; for the end of the host.
  package static func killAll() {
    groups.withLock { for group in $0 { kill(-group, SIGKILL) } }
  }

  /// Reaps a program that has ended. Its group is forgotten before, since its id may be reused then.
  package static func reap(_ process: pid_t) -> Ending {
    groups.withLock { _ = $0.remove(process) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    let signal = Int(status & 0x7F)
    return signal == 0 ? .exit(status: Int(status >> 8 & 0xFF)) : .signal(signal)
  }

  /// A list of C strings that ends with NULL.
  private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
      count = texts.count
      pointers = .allocate(capacity: count + 1)
      for (position, text) in texts.enumerated() {
        (pointers + position).initialize(to: strdup(text))
      }
      (pointers + count).initialize(to: nil)
    }

    deinit {
      for position in 0..<count { free(pointers[position]) }
      pointers.deallocate()
    }
  }
}
