import Basics
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// Prints the reason for longer waits on a terminal.
final class WaitNotice: InvocationEvents {
  /// Shorter waits need no explanation.
  private static let shortMilliseconds: Int64 = 2_000

  private let lastTime = Mutex("")

  func items(_ items: [JSON]) async {}
  func progress(done: Int, total: Int) async {}

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard isatty(STDERR_FILENO) == 1,
      resumeAtMilliseconds - WallClock.nowMilliseconds >= Self.shortMilliseconds
    else { return }
    let what = reason == "rate_limited" ? "Waiting for the rate limit" : "Waiting to retry"
    // Several targets may wait for the same time. Print it once.
    let time = Style.localTime(resumeAtMilliseconds)
    let isNew = lastTime.withLock { lastTime in
      defer { lastTime = time }
      return lastTime != time
    }
    if isNew { Console.error("\(what), resumes at \(time).") }
  }

}
