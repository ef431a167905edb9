import Synchronization

/// Cleanup that runs before the process exits.
enum EndOfProcess {
  private static let work = Mutex<[@Sendable () -> Void]>([])

  static func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }

  /// Runs the registered work once.
  static func run() {
    let bodies = work.withLock { work in
      defer { work = [] }
      return work
    }
    for body in bodies { body() }
  }
}
