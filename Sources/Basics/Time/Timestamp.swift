/// A point in time with millisecond precision.
public struct Timestamp: Sendable, Hashable, Comparable {
  public let millisecondsSince1970: Int64

  /// Does not validate; only reading enforces the limits.
  public init(millisecondsSince1970: Int64) {
    self.millisecondsSince1970 = millisecondsSince1970
  }

  public static func < (one: Timestamp, other: Timestamp) -> Bool {
    one.millisecondsSince1970 < other.millisecondsSince1970
  }

  // MARK: Reading

  /// The accepted range: the years 1970 to 9999.
  public static let readable: ClosedRange<Int64> = 0...253_402_300_799_999

  /// Accepted numbers of milliseconds: from 12 digits, 1973. Numbers of seconds have fewer.
  public static let epochMilliseconds: ClosedRange<Int64> = 100_000_000_000...253_402_300_799_999

  /// - Throws: if the number is outside `epochMilliseconds`.
  public init(epochMilliseconds milliseconds: Int64) throws(TimestampError) {
    try self.init(checking: milliseconds)
    guard milliseconds >= Self.epochMilliseconds.lowerBound else {
      throw TimestampError(
        "\(milliseconds.description.utf8.count) digits; epoch milliseconds have 12 to 15, seconds are "
          + "not accepted")
    }
  }

  /// Maximum length of a text, in Unicode scalars.
  public static let maximumCharacters = 1_000

  /// The accepted forms, for messages and descriptions.
  public static let forms = """
    RFC 3339 (2022-05-19T02:00:00Z), 2022-05-19 [02:00[:00]], 05/19/2022 [02:00[:00] [AM|PM]] or \
    epoch milliseconds; without a zone UTC
    """

  /// Reads a time as people and programs write it.
  ///
  /// Accepted forms: RFC 3339, also with a space instead of `T`, without seconds, without a zone or
  /// without a time; month/day/year with slashes and an optional time of 24 or 12 hours; 12 to 14
  /// digits as milliseconds since 1970. The default zone is UTC and the default time is midnight.
  /// Fractions are truncated to milliseconds. A leap second is read as the following second.
  ///
  /// - Parameter format: a form that is tried first. If it writes the day before the month with
  ///   slashes, all dates with slashes are read this way.
  /// - Throws: the reason and the accepted forms, if the text has none of the forms, the day is not
  ///   in the calendar or the time is outside `readable`.
  public init(
    reading text: String, tryingFirst format: TimestampFormat? = nil
  ) throws(TimestampError) {
    guard text.unicodeScalars.count <= Self.maximumCharacters else {
      throw TimestampError("longer than \(Self.maximumCharacters) characters")
    }
    do throws(TimestampError) {
      if let timestamp = try format?.read(text) {
        self = timestamp
      } else {
        self = try TimestampReader.read(text, isDayFirst: format?.isDayFirst ?? false)
      }
    } catch {
      var error = error
      error.format = format?.pattern
      throw error
    }
  }

  /// - Throws: if the time is outside `readable`.
  public init(checking millisecondsSince1970: Int64) throws(TimestampError) {
    guard Self.readable.contains(millisecondsSince1970) else {
      throw TimestampError("outside the years 1970 to 9999")
    }
    self.init(millisecondsSince1970: millisecondsSince1970)
  }

  // MARK: Writing

  /// `2026-11-20T12:00:00Z` (RFC 3339), with milliseconds unless they are zero.
  public var rfc3339: String {
    let milliseconds = remainder(1_000)
    return milliseconds == 0
      ? withoutZone + "Z" : withoutZone + "." + Self.padded(milliseconds, 3) + "Z"
  }

  /// `2026-11-20T12:00:00`, UTC, without milliseconds. For vendors that accept no zone.
  public var withoutZone: String {
    let millisecondsOfDay = remainder(86_400_000)
    let date = CivilDate(
      daysSince1970: Int((millisecondsSince1970 - Int64(millisecondsOfDay)) / 86_400_000))
    let second = millisecondsOfDay / 1_000
    let clock = [second / 3_600, second / 60 % 60, second % 60]
    return Self.padded(date.year, 4) + "-" + Self.padded(date.month, 2) + "-"
      + Self.padded(date.day, 2) + "T"
      + clock.map { Self.padded($0, 2) }.joined(separator: ":")
  }

  /// The remainder after division by `unit`. Not negative, also before 1970.
  private func remainder(_ unit: Int64) -> Int {
    Int((millisecondsSince1970 % unit + unit) % unit)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Why a text is not a time.
public struct TimestampError: Error, CustomStringConvertible {
  /// A phrase without a full stop.
  public let reason: String
  /// The position of the first invalid character, from 1; nil if the whole text is invalid.
  public let position: Int?
  /// The form that was tried first.
  fileprivate(set) var format: String?

  init(_ reason: String, at position: Int? = nil) {
    self.reason = reason
    self.position = position
  }

  public var description: String {
    let location = position.map { " (character \($0))" } ?? ""
    let first = format.map { "\($0) (--datetime-format), " } ?? ""
    return "\(reason)\(location); expected \(first)\(Timestamp.forms)"
  }
}
