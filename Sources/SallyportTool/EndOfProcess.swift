import Basics
import Synchronization

/// Cleanup that runs before the process exits.
enum EndOfProcess {
  private static let work = Mutex<[@Sendable () -> Void]>([])

  static func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }

  /// Runs the registered work once, and kills the programs that still run.
  static func run() {
    let bodies = work.withLock { work in
      defer { work = [] }
      return work
    }
    for body in bodies { body() }
    ChildStart.killAll()
  }
}
