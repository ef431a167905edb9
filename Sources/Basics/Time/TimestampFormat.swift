import CTime
import Glibc

/// A form of times of a caller's own, in the notation of strptime(3): `%d.%m.%Y %H:%M`.
///
/// Names of months and days are English: this process never leaves the C locale.
public struct TimestampFormat: Sendable {
  let pattern: String
  /// Whether it writes 19 May with `19/05`.
  let isDayFirst: Bool

  /// - Throws: for a format that cannot be read, or that does not say day, month and year.
  public init(_ pattern: String) throws(Fault) {
    self.pattern = pattern
    if pattern.contains("%Z") {
      throw Fault(reason: "names of zones (%Z) are not understood; offsets (%z) are")
    }
    // What it writes has to be what it reads, in two centuries and beyond the 12th of a month.
    var isDayFirst = false
    for date in [
      CivilDate(year: 2022, month: 5, day: 19), CivilDate(year: 1999, month: 12, day: 31),
    ] {
      let written = Self.write(date, pattern)
      guard let read = Self.parse(written, pattern) else {
        throw Fault(reason: "strptime(3) does not read it")
      }
      guard Self.date(read).daysSince1970 == date.daysSince1970 else {
        throw Fault(reason: "it does not say day, month and year")
      }
      if written.contains("19/05") { isDayFirst = true }
    }
    self.isDayFirst = isDayFirst
  }

  /// Why a format is not taken.
  public struct Fault: Error { package let reason: String }

  /// - Returns: nil when the text, as a whole, is not of this form.
  /// - Throws: when it is and names a day that the calendar does not have.
  func read(_ text: String) throws(TimestampError) -> Timestamp? {
    guard var parts = Self.parse(text, pattern) else { return nil }
    let date = Self.date(parts)
    let days = CivilDate.days(inMonth: date.month, of: date.year)
    guard (1...days).contains(date.day) else {
      throw TimestampError("the day is \(date.day), not from 1 to \(days), the days of that month")
    }
    // timegm takes it for 0.
    let offset = parts.tm_gmtoff
    return try Timestamp(checking: Int64(timegm(&parts) - offset) * 1_000)
  }

  private static func date(_ parts: tm) -> CivilDate {
    CivilDate(
      year: Int(parts.tm_year) + 1_900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
  }

  /// Nil when the text is not, as a whole, of that form.
  private static func parse(_ text: String, _ pattern: String) -> tm? {
    // Which would end a text of C before its end.
    guard !text.utf8.contains(0) else { return nil }
    var parts = tm()
    let isWhole = text.withCString { start in
      strptime(start, pattern, &parts).map { $0.pointee == 0 } ?? false
    }
    return isWhole ? parts : nil
  }

  /// Two in the afternoon of a day, in that form.
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
