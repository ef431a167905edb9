import Glibc

/// The date of a mail, `Mon, 16 Nov 2026 08:00:00 +0000` (RFC 5322 section 3.3).
enum MailDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// - Parameter zoneHours: the offset of the sender's zone from UTC.
  static func text(_ unixSeconds: Int, zoneHours: Int = 0) -> String {
    var seconds = unixSeconds + zoneHours * 3_600
    var fields = tm()
    gmtime_r(&seconds, &fields)
    let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec].map(pad).joined(separator: ":")
    let zone = (zoneHours < 0 ? "-" : "+") + pad(Int32(abs(zoneHours))) + "00"
    return "\(days[Int(fields.tm_wday)]), \(pad(fields.tm_mday)) \(months[Int(fields.tm_mon)]) "
      + "\(fields.tm_year + 1_900) \(clock) \(zone)"
  }

  private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
