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

  /// The error as `reason @ position`.
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
  func `many texts mean the same time`(text: String) throws {
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
      // Leap seconds: RFC 3339 section 5.8, and one that never happened.
      ("1990-12-31T23:59:60Z", 662_688_000_000), ("1990-12-31T15:59:60-08:00", 662_688_000_000),
      ("2016-12-31T23:59:60.5Z", 1_483_228_800_500), ("2022-05-19 23:59:60", 1_653_004_800_000),
      ("2000-02-29", 951_782_400_000), ("2024-02-29", 1_709_164_800_000),
      ("1969-12-31T23:00:00-01:00", 0), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
      ("100000000000", 100_000_000_000), ("99999999999999", 99_999_999_999_999),
    ] as [(String, Int64)])
  func `a text has the expected milliseconds`(text: String, milliseconds: Int64) throws {
    #expect(try read(text) == milliseconds)
  }

  // MARK: Errors

  @Test(arguments: [
    ("2022-02-30", "day 30 is out of range; expected 1 to 28 in this month @ 9"),
    ("2023-02-29T00:00:00Z", "day 29 is out of range; expected 1 to 28 in this month @ 9"),
    ("2100-02-29", "day 29 is out of range; expected 1 to 28 in this month @ 9"),
    ("2024-02-30", "day 30 is out of range; expected 1 to 29 in this month @ 9"),
    ("2022-04-31", "day 31 is out of range; expected 1 to 30 in this month @ 9"),
    ("2022-05-00", "day 0 is out of range; expected 1 to 31 in this month @ 9"),
    ("2022-13-01", "month 13 is out of range; expected 1 to 12 @ 6"),
    ("2022-00-01", "month 0 is out of range; expected 1 to 12 @ 6"),
    (
      "19/05/2022",
      "month 19 is out of range; expected 1 to 12; dates with slashes are month/day/year unless "
        + "--datetime-format differs @ 1"
    ),
    ("02/29/2023", "day 29 is out of range; expected 1 to 28 in this month @ 4"),
    ("2022-05-19T24:00:00Z", "hour 24 is out of range; expected 0 to 23 @ 12"),
    ("2022-05-19T02:60:00Z", "minute 60 is out of range; expected 0 to 59 @ 15"),
    ("2022-05-19T02:00:61Z", "second 61 is out of range; expected 0 to 60 @ 18"),
    ("2022-05-19T02:00:60Z", "second 60 is allowed only at the end of a UTC day @ 18"),
    ("2022-05-19T23:59:60+01:00", "second 60 is allowed only at the end of a UTC day @ 18"),
    ("2022-05-19T02:00:00+24:00", "hour of the offset 24 is out of range; expected 0 to 23 @ 21"),
    ("2022-05-19T02:00:00+02:60", "minute of the offset 60 is out of range; expected 0 to 59 @ 24"),
    ("2022-05-19T02:00:00+2:00", "hour of the offset must have 2 digits @ 21"),
    ("2022-05-19T02:00:00.Z", "expected a digit after the decimal point @ 21"),
    ("2022-05-19T02:00:00 Z", #"expected "Z" or an offset such as +02:00 after the time @ 20"#),
    ("2022-05-19 02:00 AM", #"expected "Z" or an offset such as +02:00 after the time @ 17"#),
    ("2022-05-19T02:00:00Zx", "unexpected text after the time @ 21"),
    ("2022-05-19T2:00", "hour must have 2 digits @ 12"),
    ("2022-05-19T", "hour is missing @ 12"),
    ("2022-05-19T02", #"":" is missing @ 14"#),
    ("2022-05-19Z", #"expected "T" or a space after the date @ 11"#),
    ("2022-5-19", "month must have 2 digits @ 6"), ("2022-05-1", "day must have 2 digits @ 9"),
    ("2022-05", #""-" is missing @ 8"#),
    ("2022-05-19T02:00:00\u{0}", #"expected "Z" or an offset such as +02:00 after the time @ 20"#),
    ("05/19/22", "year must have 4 digits @ 7"), ("05/19", #""/" is missing @ 6"#),
    ("05/19/2022 13:00 PM", "hour before AM or PM 13 is out of range; expected 1 to 12 @ 12"),
    ("05/19/2022 00:00 AM", "hour before AM or PM 0 is out of range; expected 1 to 12 @ 12"),
    ("05/19/2022 02:00 XM", "unexpected text after the time @ 17"),
    ("05/19/2022 02:00 ", "unexpected text after the time @ 17"),
    ("05/19/2022T02:00", "a space is missing @ 11"),
    ("1969-12-31T23:59:59Z", "outside the years 1970 to 9999"),
    ("1970-01-01T00:00:00+00:01", "outside the years 1970 to 9999"),
    ("9999-12-31T23:59:60Z", "outside the years 1970 to 9999"),
    ("0000-01-01", "outside the years 1970 to 9999"),
    ("1652925600", "10 digits; epoch milliseconds as text have 12 to 14"),
    ("123456789012345", "15 digits; epoch milliseconds as text have 12 to 14"),
    ("", "empty"), ("now", #"expected a year and "-", or a month and "/""#),
    ("２０２２-05-19", #"expected a year and "-", or a month and "/""#),
    (" 2022-05-19", #"expected a year and "-", or a month and "/""#),
    ("-1652925600000", #"expected a year and "-", or a month and "/""#),
    ("12022-05-19", #"expected a year and "-", or a month and "/""#),
    (String(repeating: "1", count: 1_001), "longer than 1000 characters"),
  ])
  func `the error has a reason and a position`(text: String, expected: String) {
    #expect(fault(text) == expected)
  }

  @Test func `the error lists the accepted forms`() {
    let error = #expect(throws: TimestampError.self) { try Timestamp(reading: "2022-13-01") }
    #expect(
      error?.description == "month 13 is out of range; expected 1 to 12 (character 6); expected "
        + "RFC 3339 (2022-05-19T02:00:00Z), 2022-05-19 [02:00[:00]], 05/19/2022 [02:00[:00] [AM|PM]] or "
        + "epoch milliseconds; without a zone UTC")
  }

  @Test func `the error lists the custom form first`() throws {
    let format = try TimestampFormat("%d.%m.%Y")
    let error = #expect(throws: TimestampError.self) {
      try Timestamp(reading: "2022-13-01", tryingFirst: format)
    }
    let start =
      "month 13 is out of range; expected 1 to 12 (character 6); expected %d.%m.%Y "
      + "(--datetime-format), RFC"
    #expect(error?.description.hasPrefix(start) == true)
  }

  @Test(
    arguments: [
      (-1, false), (0, true), (253_402_300_799_999, true), (253_402_300_800_000, false),
      (.min, false), (.max, false),
    ] as [(Int64, Bool)])
  func `milliseconds have the same range`(milliseconds: Int64, isReadable: Bool) {
    let timestamp = try? Timestamp(checking: milliseconds)
    #expect((timestamp?.millisecondsSince1970 == milliseconds) == isReadable)
  }

  // MARK: Round trips

  @Test func `every day from 1970 to 9999 is counted correctly`() throws {
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

  @Test func `written times are read back as by the C library`() throws {
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

  @Test func `an offset shifts the time`() throws {
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

  @Test func `no text crashes the reader`() {
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

  // MARK: Custom forms

  @Test(
    arguments: [
      ("%d.%m.%Y %H:%M", "19.05.2022 02:00", twoInTheMorning),
      ("%d.%m.%Y %H:%M %z", "19.05.2022 04:00 +0200", twoInTheMorning),
      ("%Y%m%d%H%M%S", "20220519020000", twoInTheMorning), ("%s", "1652925600", twoInTheMorning),
      ("%d %B %Y", "19 May 2022", 1_652_918_400_000), ("%d/%m/%y", "19/05/22", 1_652_918_400_000),
      ("%Y-%j", "2022-139", 1_652_918_400_000),
      ("%a %b %e %I:%M %p %Y", "Thu May 19 02:00 AM 2022", twoInTheMorning),
      ("%d/%m/%Y", "05/06/2022", 1_654_387_200_000),
      // The other forms still work; slashes then have the order of the format.
      ("%d.%m.%Y", "2022-05-19T02:00:00Z", twoInTheMorning),
      ("%d.%m.%Y", "05/19/2022 02:00 AM", twoInTheMorning),
      ("%d/%m/%Y", "19/05/2022 02:00 AM", twoInTheMorning),
      ("%d/%m/%Y", "1652925600000", twoInTheMorning),
    ] as [(String, String, Int64)])
  func `a custom format is tried first`(format: String, text: String, milliseconds: Int64) throws {
    #expect(try read(text, format) == milliseconds)
  }

  @Test(arguments: [
    ("%d.%m.%Y", "31.02.2022", "day 31 is out of range; expected 1 to 28 in this month"),
    ("%d.%m.%Y", "31.12.1969", "outside the years 1970 to 9999"),
    ("%s", "14292522529250600", "outside the years 1970 to 9999"),
    ("%d.%m.%Y", "19.05.2022 ", #"expected a year and "-", or a month and "/""#),
    (
      "%d.%m.%Y", "19.05.2022\u{0}",
      #"expected a year and "-", or a month and "/""#
    ),
    (
      "%d/%m/%Y", "05/19/2022",
      "month 19 is out of range; expected 1 to 12; --datetime-format sets day/month/year for dates "
        + "with slashes @ 4"
    ),
  ])
  func `a text in the custom form must be a valid time`(
    format: String, text: String, expected: String
  ) {
    #expect(fault(text, format) == expected)
  }

  @Test(arguments: [
    ("%H:%M", "day, month and year are required"), ("", "day, month and year are required"),
    ("today", "day, month and year are required"),
    ("%d.%m.", "day, month and year are required"),
    ("%d.%m.%Y %", "strptime(3) cannot read it"), ("%d.%m.%Y %Q", "strptime(3) cannot read it"),
    ("%d.%m.%Y %Z", "zone names (%Z) are not supported; use offsets (%z)"),
  ])
  func `a format must contain a date`(format: String, reason: String) {
    let fault = #expect(throws: TimestampFormat.FormatError.self) { try TimestampFormat(format) }
    #expect(fault?.reason == reason)
  }
}
