import Synchronization

/// What is to be done before the process ends, however it ends.
enum EndOfProcess {
  private static let work = Mutex<[@Sendable () -> Void]>([])

  static func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }

  /// Does it, once.
  static func run() {
    let bodies = work.withLock { work in
      defer { work = [] }
      return work
    }
    for body in bodies { body() }
  }
}
