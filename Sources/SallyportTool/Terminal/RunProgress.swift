import Basics
import Engine
import RPC
import Synchronization

/// Counts the answers of `run`: for its summary, and for what it shows meanwhile.
final class RunProgress: ConnectionObserver {
  private struct Counts {
    var handledBytes = 0
    /// Without the skipped ones.
    var requests = 0
    var successes = 0
    var partialSuccesses = 0
    var failures = 0
    var skips = 0
    var skippedFailures = 0

    var answers: Int { successes + partialSuccesses + failures }
  }

  /// Bytes of all request files; nil if one is not a regular file.
  private let totalBytes: Int?
  private let answeredBefore: [RequestID: Bool]
  private let waits: Waits
  private let state = Mutex(Counts())
  private let start = MonotonicTime.now

  /// - Parameter answeredBefore: the IDs to skip, and whether they failed at least partially.
  init(totalBytes: Int?, answeredBefore: [RequestID: Bool], waits: Waits) {
    self.totalBytes = totalBytes
    self.answeredBefore = answeredBefore
    self.waits = waits
  }

  // MARK: ConnectionObserver

  func skips(_ id: RequestID) -> Bool {
    guard !answeredBefore.isEmpty, let hasFailed = answeredBefore[id] else { return false }
    state.withLock { counts in
      counts.skips += 1
      if hasFailed { counts.skippedFailures += 1 }
    }
    return true
  }

  func received() { state.withLock { $0.requests += 1 } }

  func answered(_ status: ResponseStatus) {
    state.withLock { counts in
      switch status {
      case .successful: counts.successes += 1
      case .partial: counts.partialSuccesses += 1
      case .failed: counts.failures += 1
      }
    }
  }

  func handled(bytes: Int) { state.withLock { $0.handledBytes += bytes } }

  // MARK: Results

  /// Whether a request failed at least partially, in this run or an earlier one.
  var hasFailures: Bool {
    state.withLock { $0.failures + $0.partialSuccesses + $0.skippedFailures > 0 }
  }

  /// The share of the requests that have an answer, from 0 to 1. The number of requests is estimated from
  /// the bytes until all are read. Nil if it cannot be known.
  var share: Double? {
    guard let totalBytes else { return nil }
    let counts = state.withLock { $0 }
    let answered = counts.answers + counts.skips
    let read = max(answered, counts.requests + counts.skips)
    guard read > 0, counts.handledBytes > 0 else { return 0 }
    let unread = max(1, Double(totalBytes) / Double(counts.handledBytes))
    return Double(answered) / (Double(read) * unread)
  }

  /// `12 successful, 1 failed`
  var counts: String {
    let counts = state.withLock { $0 }
    let (partial, skipped, before) =
      (counts.partialSuccesses, counts.skips, counts.skippedFailures)
    return "\(counts.successes) successful, "
      + (partial > 0 ? "\(partial) partially successful, " : "") + "\(counts.failures) failed"
      + (skipped > 0 ? ", \(skipped) skipped" : "")
      + (before > 0 ? " (\(before) of them failed)" : "")
  }

  /// `7 wait for a rate limit until 12:03:10`; nil if nothing waits.
  var waiting: String? {
    let texts = [(Waits.Reason.rateLimit, "for a rate limit"), (.retry, "to retry")].compactMap {
      reason, what -> String? in
      let summary = waits.summary(reason)
      guard summary.count > 0 else { return nil }
      let verb = summary.count == 1 ? "waits" : "wait"
      return "\(summary.count) \(verb) \(what) until \(Style.localTime(summary.endMilliseconds))"
    }
    return texts.isEmpty ? nil : texts.joined(separator: ", ")
  }

  /// `30 %  12 successful, 1 failed, 7 wait for a rate limit until 12:03:10`
  var text: String {
    let percent = share.map { "\(Int($0 * 100)) %  " } ?? ""
    return percent + counts + (waiting.map { ", \($0)" } ?? "")
  }

  /// `12 successful, 1 failed, in 3.2 s`
  var summary: String {
    let milliseconds = MonotonicTime.now.milliseconds(since: start)
    return "\(counts), in \(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
  }
}
