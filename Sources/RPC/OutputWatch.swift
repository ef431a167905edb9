import Basics
import Glibc

/// Detects that the reader closed the output, even while nothing is written. Otherwise a host that
/// does not write, at its in-flight limit or while it drains, would continue without a reader.
package enum OutputWatch {
  /// Calls `body` once on another thread when the reader closes the output. Never for a file.
  ///
  /// - Throws: if the system refuses the thread.
  package static func start(
    _ output: Int32, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) {
    let code = NamedThread.start("output watch") {
      while true {
        // poll always reports errors and hang-ups.
        var descriptor = pollfd(fd: output, events: 0, revents: 0)
        let count = poll(&descriptor, 1, -1)
        if count < 0 && errno == EINTR { continue }
        if count > 0 { body() }
        return
      }
    }
    guard code == 0 else { throw FileError(path: "thread for the output", code: code) }
  }
}
