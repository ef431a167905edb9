/// Reads the forms of a time that need no format, from the left, without going back.
struct TimestampReader {
  private let text: [UInt8]
  private var at = 0

  static func read(_ text: String, isDayFirst: Bool) throws(TimestampError) -> Timestamp {
    var reader = TimestampReader(text: Array(text.utf8))
    let digits = reader.text.prefix { Self.isDigit($0) }.count
    let next = digits < reader.text.count ? reader.text[digits] : nil
    switch (digits, next) {
    case (1..., nil):
      return try milliseconds(text, digits)
    case (4, UInt8(ascii: "-")):
      return try reader.readISO()
    case (1...2, UInt8(ascii: "/")):
      return try reader.readSlashes(isDayFirst: isDayFirst)
    case (0, nil):
      throw TimestampError("it is empty")
    default:
      throw TimestampError(
        "it starts with no year and hyphen, and with no \(isDayFirst ? "day" : "month") and slash")
    }
  }

  private static func milliseconds(
    _ digits: String, _ count: Int
  ) throws(TimestampError) -> Timestamp {
    guard (12...14).contains(count), let milliseconds = Int64(digits) else {
      throw TimestampError(
        "it has \(count) digits, and as text epoch milliseconds have 12 to 14")
    }
    return try Timestamp(checking: milliseconds)
  }

  // MARK: Forms

  /// RFC 3339, and as much of ISO 8601 as leaves out the zone, the seconds or the time.
  private mutating func readISO() throws(TimestampError) -> Timestamp {
    let year = try number("the year", digits: 4...4)
    try expect("-")
    let month = try number("the month", digits: 2...2)
    try expect("-")
    let date = try date(year, month, try number("the day", digits: 2...2))
    guard at < text.count else { return try timestamp(date, Clock(), offset: 0) }
    guard take("T") || take("t") || take(" ") else {
      throw TimestampError("after the date comes a T or a space", at: at + 1)
    }
    let clock = try readClock(hourDigits: 2...2)
    let offset = try readOffset()
    return try timestamp(date, clock, offset: offset)
  }

  private mutating func readSlashes(isDayFirst: Bool) throws(TimestampError) -> Timestamp {
    let first = try number(isDayFirst ? "the day" : "the month", digits: 1...2)
    try expect("/")
    let second = try number(isDayFirst ? "the month" : "the day", digits: 1...2)
    try expect("/")
    let year = try number("the year", digits: 4...4)
    let date = try date(
      year, isDayFirst ? second : first, isDayFirst ? first : second,
      monthHint: isDayFirst
        ? ": dates with slashes are day/month/year by --datetime-format"
        : ": dates with slashes are month/day/year unless --datetime-format says otherwise")
    guard at < text.count else { return try timestamp(date, Clock(), offset: 0) }
    try expect(" ")
    var clock = try readClock(hourDigits: 1...2)
    if let isAfternoon = takeMeridiem() {
      try check("the hour before AM or PM", clock.hour, in: 1...12)
      clock.hour.value = clock.hour.value % 12 + (isAfternoon ? 12 : 0)
    }
    return try timestamp(date, clock, offset: 0)
  }

  // MARK: Parts

  /// A number and where it stands, from 1.
  private struct Number {
    var value = 0
    var position = 0
  }

  private struct Clock {
    var hour = Number()
    var minute = Number()
    var second = Number()
    var millisecond = 0
  }

  private func date(
    _ year: Number, _ month: Number, _ day: Number, monthHint: String = ""
  ) throws(TimestampError) -> CivilDate {
    try check("the month", month, in: 1...12, hint: monthHint)
    let days = CivilDate.days(inMonth: month.value, of: year.value)
    try check("the day", day, in: 1...days, hint: ", the days of that month")
    return CivilDate(year: year.value, month: month.value, day: day.value)
  }

  private mutating func readClock(hourDigits: ClosedRange<Int>) throws(TimestampError) -> Clock {
    var clock = Clock()
    clock.hour = try number("the hour", digits: hourDigits)
    try check("the hour", clock.hour, in: 0...23)
    try expect(":")
    clock.minute = try number("the minute", digits: 2...2)
    try check("the minute", clock.minute, in: 0...59)
    guard take(":") else { return clock }
    clock.second = try number("the second", digits: 2...2)
    try check("the second", clock.second, in: 0...60)
    guard take(".") else { return clock }
    let start = at
    var unit = 100
    while let digit = takeDigit() {
      clock.millisecond += digit * unit
      unit /= 10
    }
    if at == start { throw TimestampError("after the point come digits", at: at + 1) }
    return clock
  }

  /// Seconds east of UTC; 0 where no zone is said.
  private mutating func readOffset() throws(TimestampError) -> Int {
    if at == text.count || take("Z") || take("z") { return 0 }
    let isWest = take("-")
    guard isWest || take("+") else {
      throw TimestampError("after the time comes Z or an offset such as +02:00", at: at + 1)
    }
    let hours = try number("the hour of the offset", digits: 2...2)
    try check("the hour of the offset", hours, in: 0...23)
    _ = take(":")
    let minutes = try number("the minute of the offset", digits: 2...2)
    try check("the minute of the offset", minutes, in: 0...59)
    return (isWest ? -60 : 60) * (hours.value * 60 + minutes.value)
  }

  private func timestamp(
    _ date: CivilDate, _ clock: Clock, offset: Int
  ) throws(TimestampError) -> Timestamp {
    guard at == text.count else {
      throw TimestampError("something follows the time", at: at + 1)
    }
    let seconds =
      date.daysSince1970 * 86_400 + clock.hour.value * 3_600 + clock.minute.value * 60
      + clock.second.value - offset
    guard clock.second.value < 60 || seconds % 86_400 == 0 else {
      throw TimestampError(
        "the second 60 is only at the end of a day of UTC", at: clock.second.position)
    }
    return try Timestamp(checking: Int64(seconds) * 1_000 + Int64(clock.millisecond))
  }

  // MARK: Characters

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard at < text.count, text[at] == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private mutating func takeDigit() -> Int? {
    guard at < text.count, Self.isDigit(text[at]) else { return nil }
    defer { at += 1 }
    return Int(text[at] - UInt8(ascii: "0"))
  }

  /// Whether it is PM; nil where neither stands.
  private mutating func takeMeridiem() -> Bool? {
    let rest = String(decoding: text[at...], as: UTF8.self).lowercased()
    guard let isAfternoon = ["am": false, "pm": true, " am": false, " pm": true][rest] else {
      return nil
    }
    at = text.count
    return isAfternoon
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(TimestampError) {
    guard take(character) else {
      let name = character == " " ? "a space" : "\"\(character)\""
      throw TimestampError("\(name) is missing", at: at + 1)
    }
  }

  private mutating func number(
    _ name: String, digits: ClosedRange<Int>
  ) throws(TimestampError) -> Number {
    var number = Number(value: 0, position: at + 1)
    let start = at
    while at - start < digits.upperBound, let digit = takeDigit() {
      number.value = number.value * 10 + digit
    }
    guard at - start >= digits.lowerBound else {
      throw TimestampError(
        at == start ? "\(name) is missing" : "\(name) takes \(digits.lowerBound) digits",
        at: start + 1)
    }
    return number
  }

  private func check(
    _ name: String, _ number: Number, in range: ClosedRange<Int>, hint: String = ""
  ) throws(TimestampError) {
    guard range.contains(number.value) else {
      throw TimestampError(
        "\(name) is \(number.value), not from \(range.lowerBound) to \(range.upperBound)\(hint)",
        at: number.position)
    }
  }
}
