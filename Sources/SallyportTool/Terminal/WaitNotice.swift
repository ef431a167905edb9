import Basics
import Glibc
import IntegrationKit
import JSON
import Synchronization

/// Tells a person at a terminal why nothing happens for a while.
final class WaitNotice: InvocationEvents {
  /// Shorter waits need no explanation.
  private static let shortMilliseconds: Int64 = 2_000

  private let told = Mutex("")

  func item(_ item: JSON) async {}
  func progress(done: Int, total: Int) async {}

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard isatty(STDERR_FILENO) == 1,
      resumeAtMilliseconds - WallClock.nowMilliseconds >= Self.shortMilliseconds
    else { return }
    let what = reason == "rate_limited" ? "Waiting for the rate limit" : "Waiting to try again"
    // Several targets wait for the same moment.
    let time = Style.localTime(resumeAtMilliseconds)
    let isNew = told.withLock { told in
      defer { told = time }
      return told != time
    }
    if isNew { Console.error("\(what), resumes at \(time).") }
  }

}
