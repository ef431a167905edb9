import Testing

@testable import HTTP

@Suite struct RetryAfterTests {
  /// 1994-11-06T08:49:37Z.
  private static let date: Int64 = 784_111_777_000

  @Test(arguments: [
    ("0", 0), ("3", 3_000), ("  120 ", 120_000), ("\t5", 5_000), ("007", 7_000),
    // Some vendors send a fraction.
    ("1.5", 1_500), ("0.0001", 1),
    ("3600", 3_600_000),
  ])
  func `seconds are read`(value: String, milliseconds: Int) {
    let wait = RetryAfter(value, nowMilliseconds: Self.date)
    #expect(wait?.milliseconds == milliseconds && wait?.isReduced == false)
  }

  @Test(arguments: [
    "3600.001", "3601", "86400", "99999999999999999999999", String(repeating: "9", count: 400),
    "Fri, 31 Dec 9999 23:59:60 GMT",
  ])
  func `more than an hour counts as an hour`(value: String) {
    for now in [0, Self.date, Int64.min / 2] {
      let wait = RetryAfter(value, nowMilliseconds: now)
      #expect(wait?.milliseconds == 3_600_000 && wait?.isReduced == true)
    }
  }

  @Test func `a wait is from 0 to an hour`() {
    for milliseconds in [Int64.min, -1, 0] {
      #expect(RetryAfter(milliseconds: milliseconds).milliseconds == 0)
    }
    #expect(RetryAfter(milliseconds: .max).milliseconds == 3_600_000)
    let hour = RetryAfter(milliseconds: 3_600_000)
    #expect(!hour.isReduced && hour < RetryAfter(milliseconds: 3_600_001))
    #expect(RetryAfter(milliseconds: 5) < hour)
  }

  @Test(arguments: [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    " Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 6 nov 1994 08:49:37 gmt",
  ])
  func `the three date forms are read`(value: String) {
    for (now, milliseconds) in [
      (Self.date - 5_000, 5_000), (Self.date - 1, 1), (Self.date, 0), (Self.date + 1, 0),
      (Self.date + 1_000_000_000_000, 0), (Self.date - 3_600_001, 3_600_000), (0, 3_600_000),
    ] {
      #expect(RetryAfter(value, nowMilliseconds: now)?.milliseconds == milliseconds)
    }
  }

  @Test(arguments: [
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799_000),
    ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648_000),
    ("Fri, 31 Dec 9999 23:59:60 GMT", 253_402_300_800_000),
    // Two-digit years: at most fifty years in the future.
    ("Friday, 20-Nov-26 12:00:00 GMT", 1_795_176_000_000),
    ("Friday, 20-Nov-76 12:00:00 GMT", 3_373_099_200_000),
    ("Sunday, 20-Nov-77 12:00:00 GMT", 248_875_200_000),
  ])
  func `a date has the expected time`(value: String, milliseconds: Int64) {
    let now: Int64 = 1_795_176_000_000
    #expect(RetryAfter.httpDate(value, nowMilliseconds: now) == milliseconds)
  }

  @Test(arguments: [
    "", " ", "soon", "-1", "-0.5", "+", "nan", "inf", "infinity", "1e400", "1e3", "0x10", "5s",
    "1,5",
    "1 2", "1.2.3", ".", "1.", ".5", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994",
    "06 Nov 1994 08:49", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:xx GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT",
    "Sun, 06 Nov 99999 08:49:37 GMT", "1994-11-06T08:49:37Z", "Nov", "::", "1 2 3 Nov 08:49:37",
  ])
  func `invalid values are ignored`(value: String) {
    #expect(RetryAfter(value, nowMilliseconds: 0) == nil)
  }
}
