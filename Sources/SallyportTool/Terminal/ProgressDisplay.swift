import Basics
import Glibc

/// Shows the progress of `run` on stderr: a bar on a terminal, otherwise now and then a line.
final class ProgressDisplay: Sendable {
  private static let refreshMilliseconds = 100
  /// Between two lines, if stderr is not a terminal.
  private static let lineMilliseconds = 10_000
  /// A wait is mentioned in a line after so long, so that short ones are not.
  private static let waitMilliseconds = 1_000
  private static let barCells = 24

  private let progress: RunProgress
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let finished = Monitor(false)

  init(_ progress: RunProgress) {
    self.progress = progress
    NamedThread.start("progress") { [self] in
      isTerminal ? repeatedly(every: Self.refreshMilliseconds, draw) : printLines()
    }
  }

  private func repeatedly(every milliseconds: Int, _ body: () -> Void) {
    while true {
      let deadline = Deadline(inMilliseconds: milliseconds)
      if finished.wait(until: deadline, for: { $0 ? true : nil }) == true { return }
      body()
    }
  }

  private func printLines() {
    var next = MonotonicTime.now.adding(milliseconds: Self.lineMilliseconds)
    var (last, hasWaited, isFirst) = ("", false, true)
    repeatedly(every: Self.waitMilliseconds) {
      let isWaiting = progress.waiting != nil
      defer { hasWaited = isWaiting }
      // The first line comes early if it explains why nothing happens.
      guard MonotonicTime.now >= next || isFirst && isWaiting && hasWaited else { return }
      let text = progress.text
      guard text != last else { return }
      (last, isFirst) = (text, false)
      next = MonotonicTime.now.adding(milliseconds: Self.lineMilliseconds)
      Console.error("\(text)")
    }
  }

  private func draw() {
    let width = Style.columns(of: STDERR_FILENO) - 1
    var text = progress.text
    if let share = progress.share {
      // The text is worth more than the bar.
      let cells = max(0, min(Self.barCells, width - text.count - 1))
      let filled = Int(share * Double(cells))
      text =
        String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
        + " " + text
    }
    FileDescriptor.writeAll(
      Array("\r\u{1B}[K\(text.truncated(to: width))".utf8), to: STDERR_FILENO)
  }

  /// Removes the bar and prints the summary.
  func finish() {
    finished.withLock { $0 = true }
    finished.notify()
    if isTerminal { FileDescriptor.writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
    Console.error("\(progress.summary)")
  }
}
