import Basics
import Glibc
import Synchronization

/// A file with the metrics, for programs that collect files. It is replaced atomically.
package final class MetricsFile: Sendable {
  /// Milliseconds between two versions of the file.
  package static let intervalMilliseconds = 15_000
  /// Milliseconds that the end of the process waits for the last version.
  package static let finishMilliseconds = 1_000

  private let path: String
  private let text: @Sendable () -> String
  private let log: Log
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let hasFailed = Atomic(false)

  /// Writes the file for the first time. Blocks.
  package init(
    _ path: String, log: Log, text: @escaping @Sendable () -> String
  ) throws(FileError) {
    self.path = path
    self.log = log
    self.text = text
    try write()
  }

  /// Replaces the file regularly from now on.
  package func start() {
    let replacing = Task.detached { [self] in
      while true {
        await Task.pause(milliseconds: Self.intervalMilliseconds)
        if Task.isCancelled { return }
        // A file system that hangs delays the next version only.
        try? await BlockingWork.metrics.run { [self] in writeOrLog() }
      }
    }
    task.withLock { $0 = replacing }
  }

  /// Writes the last version. Blocks, for a bounded time.
  package func finish() {
    task.withLock { $0 }?.cancel()
    let isWritten = Monitor(false)
    BlockingWork.metrics.submit { [self] in
      writeOrLog()
      isWritten.withLock { $0 = true }
      isWritten.notify()
    }
    _ = isWritten.wait(until: Deadline(inMilliseconds: Self.finishMilliseconds)) {
      $0 ? true : nil
    }
  }

  private func writeOrLog() {
    do throws(FileError) {
      try write()
      hasFailed.store(false, ordering: .relaxed)
    } catch {
      if !hasFailed.exchange(true, ordering: .relaxed) {
        log.error("cannot write the metrics: \(error)")
      }
    }
  }

  private func write() throws(FileError) {
    try FileDescriptor.replaceFile(path, with: Array(text().utf8), mode: mode)
  }

  /// The permissions of the file that is replaced, so that its owner decides who may read it.
  private var mode: mode_t {
    var old = stat()
    return lstat(path, &old) == 0 ? old.st_mode & 0o044 | 0o600 : 0o600
  }
}
