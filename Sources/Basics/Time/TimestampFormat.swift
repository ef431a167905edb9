import CTime
import Glibc

/// A caller-defined form of times, in the notation of strptime(3): `%d.%m.%Y %H:%M`.
///
/// Names of months and days are English: this process always runs in the C locale.
public struct TimestampFormat: Sendable {
  let pattern: String
  /// Whether the format writes 19 May as `19/05`.
  let isDayFirst: Bool

  /// - Throws: if strptime(3) cannot read the format, or if it lacks the day, month or year.
  public init(_ pattern: String) throws(FormatError) {
    self.pattern = pattern
    if pattern.contains("%Z") {
      throw FormatError(reason: "zone names (%Z) are not supported; use offsets (%z)")
    }
    // Round trip: dates in two centuries and after the 12th of a month must be read as written.
    var isDayFirst = false
    for date in [
      CivilDate(year: 2022, month: 5, day: 19), CivilDate(year: 1999, month: 12, day: 31),
    ] {
      let written = Self.write(date, pattern)
      guard let read = Self.parse(written, pattern) else {
        throw FormatError(reason: "strptime(3) cannot read it")
      }
      guard Self.date(read).daysSince1970 == date.daysSince1970 else {
        throw FormatError(reason: "day, month and year are required")
      }
      if written.contains("19/05") { isDayFirst = true }
    }
    self.isDayFirst = isDayFirst
  }

  /// Why a format is rejected.
  public struct FormatError: Error { package let reason: String }

  /// - Returns: nil unless the whole text has this form.
  /// - Throws: if the text names a day that is not in the calendar.
  func read(_ text: String) throws(TimestampError) -> Timestamp? {
    guard var parts = Self.parse(text, pattern) else { return nil }
    let date = Self.date(parts)
    let days = CivilDate.days(inMonth: date.month, of: date.year)
    guard (1...days).contains(date.day) else {
      throw TimestampError("day \(date.day) is out of range; expected 1 to \(days) in this month")
    }
    // timegm treats the offset as 0. `%s` reads numbers whose milliseconds exceed 64 bits.
    let offset = parts.tm_gmtoff
    let (milliseconds, overflow) = Int64(timegm(&parts) - offset)
      .multipliedReportingOverflow(by: 1_000)
    return try Timestamp(checking: overflow ? .max : milliseconds)
  }

  private static func date(_ parts: tm) -> CivilDate {
    CivilDate(
      year: Int(parts.tm_year) + 1_900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
  }

  /// Nil unless the whole text has this form.
  private static func parse(_ text: String, _ pattern: String) -> tm? {
    // A NUL byte would end the C string early.
    guard !text.utf8.contains(0) else { return nil }
    var parts = tm()
    let isWhole = text.withCString { start in
      strptime(start, pattern, &parts).map { $0.pointee == 0 } ?? false
    }
    return isWhole ? parts : nil
  }

  /// 14:00 on the given day, in this form.
  private static func write(_ date: CivilDate, _ pattern: String) -> String {
    var seconds = date.daysSince1970 * 86_400 + 14 * 3_600
    var parts = tm()
    gmtime_r(&seconds, &parts)
    return String(
      unsafeUninitializedCapacity: pattern.utf8.count * 32 + 1
    ) { buffer in
      buffer.withMemoryRebound(to: CChar.self) {
        strftime($0.baseAddress, $0.count, pattern, &parts)
      }
    }
  }
}
