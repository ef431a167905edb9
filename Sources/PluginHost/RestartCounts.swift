import Synchronization

/// How often the programs of each plugin were started again after they had died.
final class RestartCounts: Sendable {
  private let all = Mutex<[String: Int]>([:])

  var counts: [String: Int] { all.withLock { $0 } }

  func add(_ plugin: String) { all.withLock { $0[plugin, default: 0] += 1 } }
}
