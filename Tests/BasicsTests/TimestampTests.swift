import Glibc
import TestSupport
import Testing

@testable import Basics

@Suite struct TimestampTests {
  /// 2022-05-19T02:00:00Z.
  private static let twoInTheMorning: Int64 = 1_652_925_600_000

  private func read(_ text: String, _ format: String? = nil) throws -> Int64 {
    try Timestamp(reading: text, tryingFirst: format.map { try TimestampFormat($0) })
      .millisecondsSince1970
  }

  /// What is wrong and where, as `reason @ position`.
  private func fault(_ text: String, _ format: String? = nil) -> String? {
    do {
      _ = try read(text, format)
      return nil
    } catch let error as TimestampError {
      return error.reason + (error.position.map { " @ \($0)" } ?? "")
    } catch {
      return "\(error)"
    }
  }

  // MARK: Forms

  @Test(arguments: [
    "2022-05-19T02:00:00Z", "2022-05-19t02:00:00z", "2022-05-19 02:00:00Z",
    "2022-05-19T02:00:00+00:00", "2022-05-19T02:00:00-00:00", "2022-05-19T04:30:00+02:30",
    "2022-05-18T21:00:00-05:00", "2022-05-19T04:00:00+0200", "2022-05-20T01:59:00+23:59",
    "2022-05-19T02:00:00.0Z", "2022-05-19T02:00:00.0009999999999999999999Z",
    "2022-05-19T02:00:00", "2022-05-19 02:00", "2022-05-19 02:00:00", "2022-05-19T02:00",
    "2022-05-19T02:00Z",
    "05/19/2022 02:00 AM", "05/19/2022 02:00:00 AM", "05/19/2022 2:00 am", "5/19/2022 02:00AM",
    "05/19/2022 02:00", "05/19/2022 02:00:00.0", "1652925600000", "01652925600000",
  ])
  func `one point in time is written in many ways`(text: String) throws {
    #expect(try read(text) == Self.twoInTheMorning)
  }

  @Test(
    arguments: [
      ("1970-01-01", 0), ("1970-01-01T00:00:00.001Z", 1), ("2022-05-19", 1_652_918_400_000),
      ("05/19/2022", 1_652_918_400_000), ("05/06/2022", 1_651_795_200_000),
      ("05/19/2022 02:00:00 PM", 1_652_968_800_000), ("05/19/2022 14:00", 1_652_968_800_000),
      ("05/19/2022 12:00 AM", 1_652_918_400_000), ("05/19/2022 12:30 PM", 1_652_963_400_000),
      ("1985-04-12T23:20:50.52Z", 482_196_050_520), ("1996-12-19T16:39:57-08:00", 851_042_397_000),
      ("2022-05-19T02:00:00.12Z", 1_652_925_600_120),
      ("2022-05-19T02:00:00.1239Z", 1_652_925_600_123),
      // Leap seconds: RFC 3339 section 5.8, and one that was not.
      ("1990-12-31T23:59:60Z", 662_688_000_000), ("1990-12-31T15:59:60-08:00", 662_688_000_000),
      ("2016-12-31T23:59:60.5Z", 1_483_228_800_500), ("2022-05-19 23:59:60", 1_653_004_800_000),
      ("2000-02-29", 951_782_400_000), ("2024-02-29", 1_709_164_800_000),
      ("1969-12-31T23:00:00-01:00", 0), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
      ("100000000000", 100_000_000_000), ("99999999999999", 99_999_999_999_999),
    ] as [(String, Int64)])
  func `a text is that many milliseconds`(text: String, milliseconds: Int64) throws {
    #expect(try read(text) == milliseconds)
  }

  // MARK: Faults

  @Test(arguments: [
    ("2022-02-30", "the day is 30, not from 1 to 28, the days of that month @ 9"),
    ("2023-02-29T00:00:00Z", "the day is 29, not from 1 to 28, the days of that month @ 9"),
    ("2100-02-29", "the day is 29, not from 1 to 28, the days of that month @ 9"),
    ("2024-02-30", "the day is 30, not from 1 to 29, the days of that month @ 9"),
    ("2022-04-31", "the day is 31, not from 1 to 30, the days of that month @ 9"),
    ("2022-05-00", "the day is 0, not from 1 to 31, the days of that month @ 9"),
    ("2022-13-01", "the month is 13, not from 1 to 12 @ 6"),
    ("2022-00-01", "the month is 0, not from 1 to 12 @ 6"),
    (
      "19/05/2022",
      "the month is 19, not from 1 to 12: dates with slashes are month/day/year unless "
        + "--datetime-format says otherwise @ 1"
    ),
    ("02/29/2023", "the day is 29, not from 1 to 28, the days of that month @ 4"),
    ("2022-05-19T24:00:00Z", "the hour is 24, not from 0 to 23 @ 12"),
    ("2022-05-19T02:60:00Z", "the minute is 60, not from 0 to 59 @ 15"),
    ("2022-05-19T02:00:61Z", "the second is 61, not from 0 to 60 @ 18"),
    ("2022-05-19T02:00:60Z", "the second 60 is only at the end of a day of UTC @ 18"),
    ("2022-05-19T23:59:60+01:00", "the second 60 is only at the end of a day of UTC @ 18"),
    ("2022-05-19T02:00:00+24:00", "the hour of the offset is 24, not from 0 to 23 @ 21"),
    ("2022-05-19T02:00:00+02:60", "the minute of the offset is 60, not from 0 to 59 @ 24"),
    ("2022-05-19T02:00:00+2:00", "the hour of the offset takes 2 digits @ 21"),
    ("2022-05-19T02:00:00.Z", "after the point come digits @ 21"),
    ("2022-05-19T02:00:00 Z", "after the time comes Z or an offset such as +02:00 @ 20"),
    ("2022-05-19 02:00 AM", "after the time comes Z or an offset such as +02:00 @ 17"),
    ("2022-05-19T02:00:00Zx", "something follows the time @ 21"),
    ("2022-05-19T2:00", "the hour takes 2 digits @ 12"),
    ("2022-05-19T", "the hour is missing @ 12"),
    ("2022-05-19T02", #"":" is missing @ 14"#),
    ("2022-05-19Z", "after the date comes a T or a space @ 11"),
    ("2022-5-19", "the month takes 2 digits @ 6"), ("2022-05-1", "the day takes 2 digits @ 9"),
    ("2022-05", #""-" is missing @ 8"#),
    ("2022-05-19T02:00:00\u{0}", "after the time comes Z or an offset such as +02:00 @ 20"),
    ("05/19/22", "the year takes 4 digits @ 7"), ("05/19", #""/" is missing @ 6"#),
    ("05/19/2022 13:00 PM", "the hour before AM or PM is 13, not from 1 to 12 @ 12"),
    ("05/19/2022 00:00 AM", "the hour before AM or PM is 0, not from 1 to 12 @ 12"),
    ("05/19/2022 02:00 XM", "something follows the time @ 17"),
    ("05/19/2022 02:00 ", "something follows the time @ 17"),
    ("05/19/2022T02:00", "a space is missing @ 11"),
    ("1969-12-31T23:59:59Z", "it is not within the years 1970 to 9999"),
    ("1970-01-01T00:00:00+00:01", "it is not within the years 1970 to 9999"),
    ("9999-12-31T23:59:60Z", "it is not within the years 1970 to 9999"),
    ("0000-01-01", "it is not within the years 1970 to 9999"),
    ("1652925600", "it has 10 digits, and as text epoch milliseconds have 12 to 14"),
    ("123456789012345", "it has 15 digits, and as text epoch milliseconds have 12 to 14"),
    ("", "it is empty"), ("now", "it starts with no year and hyphen, and with no month and slash"),
    ("２０２２-05-19", "it starts with no year and hyphen, and with no month and slash"),
    (" 2022-05-19", "it starts with no year and hyphen, and with no month and slash"),
    ("-1652925600000", "it starts with no year and hyphen, and with no month and slash"),
    ("12022-05-19", "it starts with no year and hyphen, and with no month and slash"),
    (String(repeating: "1", count: 1_001), "it has more than 1000 characters"),
  ])
  func `what is wrong is said, and where`(text: String, expected: String) {
    #expect(fault(text) == expected)
  }

  @Test func `a fault tells which forms there are`() {
    let error = #expect(throws: TimestampError.self) { try Timestamp(reading: "2022-13-01") }
    #expect(
      error?.description == "the month is 13, not from 1 to 12 (character 6); a time is RFC 3339 "
        + "(2022-05-19T02:00:00Z), 2022-05-19 [02:00[:00]], 05/19/2022 [02:00[:00] [AM|PM]] or "
        + "epoch milliseconds; without a zone UTC")
  }

  @Test func `a fault tells of the form of one's own, too`() throws {
    let format = try TimestampFormat("%d.%m.%Y")
    let error = #expect(throws: TimestampError.self) {
      try Timestamp(reading: "2022-13-01", tryingFirst: format)
    }
    let start =
      "the month is 13, not from 1 to 12 (character 6); a time is %d.%m.%Y (--datetime-format), RFC"
    #expect(error?.description.hasPrefix(start) == true)
  }

  @Test(
    arguments: [
      (-1, false), (0, true), (253_402_300_799_999, true), (253_402_300_800_000, false),
      (.min, false), (.max, false),
    ] as [(Int64, Bool)])
  func `a number of milliseconds has the same bounds`(milliseconds: Int64, isReadable: Bool) {
    let timestamp = try? Timestamp(checking: milliseconds)
    #expect((timestamp?.millisecondsSince1970 == milliseconds) == isReadable)
  }

  // MARK: Round trips

  @Test func `every day from 1970 to 9999 is counted as a calendar on the wall counts`() throws {
    var days = 0
    for year in 1970...9999 {
      for month in 1...12 {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let isLeap = year.isMultiple(of: 400) || year % 4 == 0 && !year.isMultiple(of: 100)
        let length = month == 2 && isLeap ? 29 : lengths[month - 1]
        try #require(CivilDate.days(inMonth: month, of: year) == length)
        for day in 1...length {
          let date = CivilDate(daysSince1970: days)
          try #require(date.year == year && date.month == month && date.day == day)
          try #require(date.daysSince1970 == days)
          days += 1
        }
      }
    }
    #expect(days == 2_932_897)
  }

  @Test func `what is written is read back, as the C library has it`() throws {
    var random = SeededGenerator(seed: 20_220_519)
    for _ in 0..<20_000 {
      let milliseconds = Int64.random(in: Timestamp.readable, using: &random)
      let timestamp = Timestamp(millisecondsSince1970: milliseconds)
      try #require(try read(timestamp.rfc3339) == milliseconds, "\(milliseconds)")
      try #require(timestamp.withoutZone == libraryText(milliseconds, "%Y-%m-%dT%H:%M:%S"))
      let slashes = libraryText(milliseconds, "%m/%d/%Y %I:%M:%S %p")
      try #require(try read(slashes) == milliseconds / 1_000 * 1_000, "\(slashes)")
    }
  }

  private func libraryText(_ milliseconds: Int64, _ format: String) -> String {
    var seconds = Int(milliseconds / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    return String(unsafeUninitializedCapacity: 64) { buffer in
      buffer.withMemoryRebound(to: CChar.self) {
        strftime($0.baseAddress, $0.count, format, &parts)
      }
    }
  }

  @Test func `an offset moves a time by as much`() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<2_000 {
      let milliseconds = Int64.random(in: 86_400_000...250_000_000_000_000, using: &random)
      let (hours, minutes) = (random.pick(0...23), random.pick(0...59))
      let sign = random.pick([1, -1])
      let offset = Int64(sign * (hours * 60 + minutes) * 60_000)
      let local = Timestamp(millisecondsSince1970: milliseconds + offset).rfc3339.dropLast()
      let text =
        local + (sign > 0 ? "+" : "-")
        + [hours, minutes].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
      try #require(try read(String(text)) == milliseconds, "\(text)")
    }
  }

  @Test func `no text makes the reader stumble`() {
    var random = SeededGenerator(seed: 11)
    let pieces = [
      "0", "1", "2", "9", "19", "2022", "-", "/", ":", ".", "T", "Z", "+", " ", "AM", "é",
    ]
    for _ in 0..<50_000 {
      let text = (0..<random.pick(0...12)).map { _ in random.pick(pieces) }.joined()
      guard let timestamp = try? Timestamp(reading: text) else { continue }
      #expect(Timestamp.readable.contains(timestamp.millisecondsSince1970), "\(text)")
    }
  }

  // MARK: A form of one's own

  @Test(
    arguments: [
      ("%d.%m.%Y %H:%M", "19.05.2022 02:00", twoInTheMorning),
      ("%d.%m.%Y %H:%M %z", "19.05.2022 04:00 +0200", twoInTheMorning),
      ("%Y%m%d%H%M%S", "20220519020000", twoInTheMorning), ("%s", "1652925600", twoInTheMorning),
      ("%d %B %Y", "19 May 2022", 1_652_918_400_000), ("%d/%m/%y", "19/05/22", 1_652_918_400_000),
      ("%Y-%j", "2022-139", 1_652_918_400_000),
      ("%a %b %e %I:%M %p %Y", "Thu May 19 02:00 AM 2022", twoInTheMorning),
      ("%d/%m/%Y", "05/06/2022", 1_654_387_200_000),
      // The other forms are still there; slashes then have the order of the format.
      ("%d.%m.%Y", "2022-05-19T02:00:00Z", twoInTheMorning),
      ("%d.%m.%Y", "05/19/2022 02:00 AM", twoInTheMorning),
      ("%d/%m/%Y", "19/05/2022 02:00 AM", twoInTheMorning),
      ("%d/%m/%Y", "1652925600000", twoInTheMorning),
    ] as [(String, String, Int64)])
  func `a format is tried first`(format: String, text: String, milliseconds: Int64) throws {
    #expect(try read(text, format) == milliseconds)
  }

  @Test(arguments: [
    ("%d.%m.%Y", "31.02.2022", "the day is 31, not from 1 to 28, the days of that month"),
    ("%d.%m.%Y", "31.12.1969", "it is not within the years 1970 to 9999"),
    ("%d.%m.%Y", "19.05.2022 ", "it starts with no year and hyphen, and with no month and slash"),
    (
      "%d.%m.%Y", "19.05.2022\u{0}",
      "it starts with no year and hyphen, and with no month and slash"
    ),
    (
      "%d/%m/%Y", "05/19/2022",
      "the month is 19, not from 1 to 12: dates with slashes are day/month/year by --datetime-format @ 4"
    ),
  ])
  func `a text of the form has to be a time, too`(format: String, text: String, expected: String) {
    #expect(fault(text, format) == expected)
  }

  @Test(arguments: [
    ("%H:%M", "it does not say day, month and year"), ("", "it does not say day, month and year"),
    ("today", "it does not say day, month and year"),
    ("%d.%m.", "it does not say day, month and year"),
    ("%d.%m.%Y %", "strptime(3) does not read it"), ("%d.%m.%Y %Q", "strptime(3) does not read it"),
    ("%d.%m.%Y %Z", "names of zones (%Z) are not understood; offsets (%z) are"),
  ])
  func `a format has to say a date`(format: String, reason: String) {
    let fault = #expect(throws: TimestampFormat.Fault.self) { try TimestampFormat(format) }
    #expect(fault?.reason == reason)
  }
}
