import Basics
import Glibc

/// Notices that the reader of the output has gone, even while nothing is written. Otherwise a host
/// that has stopped reading, at its in-flight limit or while it drains, would work on for nobody.
enum OutputWatch {
  /// Calls `body` on another thread, once, when that happens; never for a file.
  static func start(_ output: Int32, _ body: @escaping @Sendable () -> Void) {
    NamedThread.start("output watch") {
      while true {
        // Errors and hang-ups are reported without being asked for.
        var descriptor = pollfd(fd: output, events: 0, revents: 0)
        let count = poll(&descriptor, 1, -1)
        if count < 0 && errno == EINTR { continue }
        if count > 0 { body() }
        return
      }
    }
  }
}
