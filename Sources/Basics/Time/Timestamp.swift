/// A point in time, to the millisecond.
public struct Timestamp: Sendable, Hashable, Comparable {
  public let millisecondsSince1970: Int64

  /// Nothing is checked: the limits are those of reading.
  public init(millisecondsSince1970: Int64) {
    self.millisecondsSince1970 = millisecondsSince1970
  }

  public static func < (one: Timestamp, other: Timestamp) -> Bool {
    one.millisecondsSince1970 < other.millisecondsSince1970
  }

  // MARK: Reading

  /// What may be read: the years 1970 to 9999.
  public static let readable: ClosedRange<Int64> = 0...253_402_300_799_999

  /// Unicode scalars of a text that may be read.
  public static let maximumCharacters = 1_000

  /// The forms that are read, for messages and descriptions.
  public static let forms = """
    RFC 3339 (2022-05-19T02:00:00Z), 2022-05-19 [02:00[:00]], 05/19/2022 [02:00[:00] [AM|PM]] or \
    epoch milliseconds; without a zone UTC
    """

  /// Reads a time as people and programs write it.
  ///
  /// RFC 3339, also with a space for its `T`, without seconds, without a zone or without a time;
  /// month/day/year with slashes, with a time of 24 or of 12 hours; 12 to 14 digits, which are
  /// milliseconds since 1970. Without a zone it is UTC, without a time midnight. A fraction is cut
  /// to milliseconds. A leap second is the second after it.
  ///
  /// - Parameter format: a form that is tried first. One that writes the day before the month, with
  ///   slashes, has all dates with slashes read so.
  /// - Throws: what is wrong and which forms there are, for a text in none of them, a day that the
  ///   calendar does not have, and a time outside `readable`.
  public init(
    reading text: String, tryingFirst format: TimestampFormat? = nil
  ) throws(TimestampError) {
    guard text.unicodeScalars.count <= Self.maximumCharacters else {
      throw TimestampError("it has more than \(Self.maximumCharacters) characters")
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

  /// - Throws: outside `readable`.
  public init(checking millisecondsSince1970: Int64) throws(TimestampError) {
    guard Self.readable.contains(millisecondsSince1970) else {
      throw TimestampError("it is not within the years 1970 to 9999")
    }
    self.init(millisecondsSince1970: millisecondsSince1970)
  }

  // MARK: Writing

  /// `2026-11-20T12:00:00Z` (RFC 3339), with milliseconds when they are not zero.
  public var rfc3339: String {
    let milliseconds = remainder(1_000)
    return milliseconds == 0
      ? withoutZone + "Z" : withoutZone + "." + Self.padded(milliseconds, 3) + "Z"
  }

  /// `2026-11-20T12:00:00`, UTC, without milliseconds: for vendors that take no zone.
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

  /// What is left over of the time in units of `unit`, also before 1970 from 0 up.
  private func remainder(_ unit: Int64) -> Int {
    Int((millisecondsSince1970 % unit + unit) % unit)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Why a text is no time.
public struct TimestampError: Error, CustomStringConvertible {
  /// What is wrong, as a sentence without its end.
  public let reason: String
  /// Of the character where it is wrong, from 1; nil where it is the whole.
  public let position: Int?
  /// The form that was tried first.
  fileprivate(set) var format: String?

  init(_ reason: String, at position: Int? = nil) {
    self.reason = reason
    self.position = position
  }

  public var description: String {
    let place = position.map { " (character \($0))" } ?? ""
    let first = format.map { "\($0) (--datetime-format), " } ?? ""
    return "\(reason)\(place); a time is \(first)\(Timestamp.forms)"
  }
}
