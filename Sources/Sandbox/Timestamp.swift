import Glibc

/// Texts of points in time, UTC.
enum Timestamp {
  /// `2026-11-20T06:00:00Z`.
  static func iso(_ unixSeconds: Int) -> String {
    let (date, clock) = parts(unixSeconds)
    return "\(date)T\(clock)Z"
  }

  /// `2026-11-20 06:00:00+00:00`, as Python prints one.
  static func spaced(_ unixSeconds: Int) -> String {
    let (date, clock) = parts(unixSeconds)
    return "\(date) \(clock)+00:00"
  }

  private static func parts(_ unixSeconds: Int) -> (date: String, clock: String) {
    var seconds = unixSeconds
    var fields = tm()
    gmtime_r(&seconds, &fields)
    let date = [fields.tm_year + 1_900, fields.tm_mon + 1, fields.tm_mday]
    let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec]
    return (date.map(pad).joined(separator: "-"), clock.map(pad).joined(separator: ":"))
  }

  private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
