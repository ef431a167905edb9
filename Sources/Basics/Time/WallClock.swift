import Glibc

/// The time of day, for people and vendors. Never used to measure durations.
public enum WallClock {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public static var nowMilliseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// `2026-11-20T12:00:00Z` (RFC 3339), with milliseconds unless they are zero.
  public static func rfc3339(_ millisecondsSince1970: Int64) -> String {
    Timestamp(millisecondsSince1970: millisecondsSince1970).rfc3339
  }
}
