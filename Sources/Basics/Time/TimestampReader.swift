/// Reads the built-in forms of a time in one pass, without backtracking.
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
      throw TimestampError("empty")
    default:
      throw TimestampError(
        "expected a year and \"-\", or a \(isDayFirst ? "day" : "month") and \"/\"")
    }
  }

  private static func milliseconds(
    _ digits: String, _ count: Int
  ) throws(TimestampError) -> Timestamp {
    guard (12...14).contains(count), let milliseconds = Int64(digits) else {
      throw TimestampError(
        "\(count) digits; epoch milliseconds as text have 12 to 14")
    }
    return try Timestamp(checking: milliseconds)
  }

  // MARK: Forms

  /// RFC 3339, and the ISO 8601 forms without zone, seconds or time.
  private mutating func readISO() throws(TimestampError) -> Timestamp {
    let year = try number("year", digits: 4...4)
    try expect("-")
    let month = try number("month", digits: 2...2)
    try expect("-")
    let date = try date(year, month, try number("day", digits: 2...2))
    guard at < text.count else { return try timestamp(date, Clock(), offset: 0) }
    guard take("T") || take("t") || take(" ") else {
      throw TimestampError("expected \"T\" or a space after the date", at: at + 1)
    }
    let clock = try readClock(hourDigits: 2...2)
    let offset = try readOffset()
    return try timestamp(date, clock, offset: offset)
  }

  private mutating func readSlashes(isDayFirst: Bool) throws(TimestampError) -> Timestamp {
    let first = try number(isDayFirst ? "day" : "month", digits: 1...2)
    try expect("/")
    let second = try number(isDayFirst ? "month" : "day", digits: 1...2)
    try expect("/")
    let year = try number("year", digits: 4...4)
    let date = try date(
      year, isDayFirst ? second : first, isDayFirst ? first : second,
      monthHint: isDayFirst
        ? "; --datetime-format sets day/month/year for dates with slashes"
        : "; dates with slashes are month/day/year unless --datetime-format differs")
    guard at < text.count else { return try timestamp(date, Clock(), offset: 0) }
    try expect(" ")
    var clock = try readClock(hourDigits: 1...2)
    if let isAfternoon = takeMeridiem() {
      try check("hour before AM or PM", clock.hour, in: 1...12)
      clock.hour.value = clock.hour.value % 12 + (isAfternoon ? 12 : 0)
    }
    return try timestamp(date, clock, offset: 0)
  }

  // MARK: Parts

  /// A number and its position, from 1.
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
    try check("month", month, in: 1...12, hint: monthHint)
    let days = CivilDate.days(inMonth: month.value, of: year.value)
    try check("day", day, in: 1...days, hint: " in this month")
    return CivilDate(year: year.value, month: month.value, day: day.value)
  }

  private mutating func readClock(hourDigits: ClosedRange<Int>) throws(TimestampError) -> Clock {
    var clock = Clock()
    clock.hour = try number("hour", digits: hourDigits)
    try check("hour", clock.hour, in: 0...23)
    try expect(":")
    clock.minute = try number("minute", digits: 2...2)
    try check("minute", clock.minute, in: 0...59)
    guard take(":") else { return clock }
    clock.second = try number("second", digits: 2...2)
    try check("second", clock.second, in: 0...60)
    guard take(".") else { return clock }
    let start = at
    var unit = 100
    while let digit = takeDigit() {
      clock.millisecond += digit * unit
      unit /= 10
    }
    if at == start { throw TimestampError("expected a digit after the decimal point", at: at + 1) }
    return clock
  }

  /// Seconds east of UTC; 0 if the text has no zone.
  private mutating func readOffset() throws(TimestampError) -> Int {
    if at == text.count || take("Z") || take("z") { return 0 }
    let isWest = take("-")
    guard isWest || take("+") else {
      throw TimestampError("expected \"Z\" or an offset such as +02:00 after the time", at: at + 1)
    }
    let hours = try number("hour of the offset", digits: 2...2)
    try check("hour of the offset", hours, in: 0...23)
    _ = take(":")
    let minutes = try number("minute of the offset", digits: 2...2)
    try check("minute of the offset", minutes, in: 0...59)
    return (isWest ? -60 : 60) * (hours.value * 60 + minutes.value)
  }

  private func timestamp(
    _ date: CivilDate, _ clock: Clock, offset: Int
  ) throws(TimestampError) -> Timestamp {
    guard at == text.count else {
      throw TimestampError("unexpected text after the time", at: at + 1)
    }
    let seconds =
      date.daysSince1970 * 86_400 + clock.hour.value * 3_600 + clock.minute.value * 60
      + clock.second.value - offset
    guard clock.second.value < 60 || seconds % 86_400 == 0 else {
      throw TimestampError(
        "second 60 is allowed only at the end of a UTC day", at: clock.second.position)
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

  /// Whether the time is PM; nil if the text has neither AM nor PM.
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
        at == start ? "\(name) is missing" : "\(name) must have \(digits.lowerBound) digits",
        at: start + 1)
    }
    return number
  }

  private func check(
    _ name: String, _ number: Number, in range: ClosedRange<Int>, hint: String = ""
  ) throws(TimestampError) {
    guard range.contains(number.value) else {
      throw TimestampError(
        "\(name) \(number.value) is out of range; expected \(range.lowerBound) to "
          + "\(range.upperBound)\(hint)",
        at: number.position)
    }
  }
}
