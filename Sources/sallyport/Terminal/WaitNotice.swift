import Basics
import Glibc
import Plugin

/// Tells a person at a terminal why nothing happens for a while.
struct WaitNotice: InvocationEvents {
  /// Shorter waits need no explanation.
  private static let shortMilliseconds: Int64 = 2_000

  func item(_ item: JSON) async {}
  func progress(done: Int, total: Int) async {}

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    guard isatty(STDERR_FILENO) == 1,
      resumeAtMilliseconds - WallClock.nowMilliseconds >= Self.shortMilliseconds
    else { return }
    let what = reason == "rate_limited" ? "Waiting for the rate limit" : "Waiting to try again"
    Console.error("\(what), resumes at \(Self.localTime(resumeAtMilliseconds)).")
  }

  /// `12:00:00` in the zone of whoever reads it; the second in which the wait has ended.
  private static func localTime(_ milliseconds: Int64) -> String {
    var seconds = time_t((milliseconds + 999) / 1_000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return [parts.tm_hour, parts.tm_min, parts.tm_sec]
      .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }
}
