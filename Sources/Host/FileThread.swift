import Basics

/// Does work on files, one piece after the other in the order in which it came: a list that is asked
/// for behind a put shows the file. One thread for it keeps big files from those that run commands.
final class FileThread: Sendable {
  /// Bytes of requests that wait at most, before the reading thread is made to.
  private static let waitingBytes = 64 * 1_024 * 1_024

  private struct State {
    var waiting: [(bytes: Int, run: @Sendable () -> Void)] = []
    var bytes = 0
    var hasThread = false
  }

  private let monitor = Monitor(State())

  /// Blocks while too much is waiting.
  ///
  /// - Parameter bytes: what the work holds in memory until it is done.
  func add(bytes: Int, _ run: @escaping @Sendable () -> Void) {
    let startThread =
      monitor.wait { state -> Bool? in
        guard state.waiting.isEmpty || state.bytes + bytes <= Self.waitingBytes else { return nil }
        state.waiting.append((bytes, run))
        state.bytes += bytes
        defer { state.hasThread = true }
        return !state.hasThread
      } ?? false
    if startThread { NamedThread.start("files") { [self] in work() } }
    monitor.notify()
  }

  private func work() {
    while true {
      let waiting = monitor.wait { state in
        state.waiting.isEmpty ? nil : state.waiting.removeFirst()
      }
      guard let waiting else { continue }
      waiting.run()
      monitor.withLock { $0.bytes -= waiting.bytes }
      monitor.notify()
    }
  }
}
