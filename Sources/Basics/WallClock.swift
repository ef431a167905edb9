import Glibc

/// Time of day, for people and vendors; never for measuring.
public enum WallClock {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public static var nowMilliseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// `2026-11-20T12:00:00Z` (RFC 3339), with milliseconds when they are not zero.
  public static func rfc3339(_ millisecondsSince1970: Int64) -> String {
    let milliseconds = Int((millisecondsSince1970 % 1_000 + 1_000) % 1_000)
    var seconds = time_t((millisecondsSince1970 - Int64(milliseconds)) / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
    let time = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
    return date.map { padded($0, 2) }.joined(separator: "-") + "T"
      + time.map { padded($0, 2) }.joined(separator: ":")
      + (milliseconds == 0 ? "Z" : ".\(padded(milliseconds, 3))Z")
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
