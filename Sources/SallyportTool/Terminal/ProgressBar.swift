import Basics
import Engine
import Glibc
import RPC
import Synchronization

/// Counts the outcomes of a batch for the summary, and draws a progress bar if stderr is a
/// terminal.
final class ProgressBar: ConnectionObserver {
  private static let refreshMilliseconds = 100

  private let totalBytes: Int
  private let answeredBefore: [RequestID: Bool]
  private let handledBytes = Atomic(0)
  private let successes = Atomic(0)
  private let partialSuccesses = Atomic(0)
  private let failures = Atomic(0)
  private let skips = Atomic(0)
  private let skippedFailures = Atomic(0)
  private let finished = Monitor(false)
  private let start = MonotonicTime.now

  /// - Parameter answeredBefore: the IDs to skip, and whether they failed at least partially.
  init(totalBytes: Int, answeredBefore: [RequestID: Bool]) {
    self.totalBytes = totalBytes
    self.answeredBefore = answeredBefore
    guard isatty(STDERR_FILENO) == 1 else { return }
    NamedThread.start("progress") { [self] in
      while true {
        let deadline = Deadline(inMilliseconds: Self.refreshMilliseconds)
        if finished.wait(until: deadline, for: { $0 ? true : nil }) == true { return }
        draw()
      }
    }
  }

  /// Whether a request failed at least partially, in this run or an earlier one.
  var hasFailures: Bool {
    [
      failures.load(ordering: .relaxed), partialSuccesses.load(ordering: .relaxed),
      skippedFailures.load(ordering: .relaxed),
    ].contains { $0 > 0 }
  }

  func skips(_ id: RequestID) -> Bool {
    guard !answeredBefore.isEmpty, let hasFailed = answeredBefore[id] else { return false }
    skips.add(1, ordering: .relaxed)
    if hasFailed { skippedFailures.add(1, ordering: .relaxed) }
    return true
  }

  func answered(_ status: ResponseStatus) {
    switch status {
    case .successful: successes.add(1, ordering: .relaxed)
    case .partial: partialSuccesses.add(1, ordering: .relaxed)
    case .failed: failures.add(1, ordering: .relaxed)
    }
  }

  func handled(bytes: Int) { handledBytes.add(bytes, ordering: .relaxed) }

  private func draw() {
    let part = min(1, Double(handledBytes.load(ordering: .relaxed)) / Double(max(1, totalBytes)))
    let cells = 24
    let filled = Int(part * Double(cells))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    FileDescriptor.writeAll(
      Array("\r\u{1B}[K\(bar) \(Int(part * 100)) %  \(counts)".utf8), to: STDERR_FILENO)
  }

  private var counts: String {
    let failed = failures.load(ordering: .relaxed)
    let skipped = skips.load(ordering: .relaxed)
    let before = skippedFailures.load(ordering: .relaxed)
    let partial = partialSuccesses.load(ordering: .relaxed)
    return "\(successes.load(ordering: .relaxed)) successful, "
      + (partial > 0 ? "\(partial) partially successful, " : "") + "\(failed) failed"
      + (skipped > 0 ? ", \(skipped) skipped" : "")
      + (before > 0 ? " (\(before) of them failed)" : "")
  }

  /// Removes the progress bar and prints the summary.
  func finish() {
    finished.withLock { $0 = true }
    finished.notify()
    if isatty(STDERR_FILENO) == 1 {
      FileDescriptor.writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
    }
    let milliseconds = MonotonicTime.now.milliseconds(since: start)
    Console.error("\(counts), in \(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s")
  }
}
