import Basics
import Glibc

/// The wait that a vendor asks for, such as with the Retry-After header (RFC 9110 section 10.2.3).
public struct RetryAfter: Sendable, Comparable {
  /// Longer waits count as an hour: one wrong response must not pause a connection for days.
  public static let maximumMilliseconds = 3_600_000

  /// From 0 to an hour.
  public let milliseconds: Int
  /// Whether the vendor asked for more than an hour.
  public let isReduced: Bool

  /// - Parameter milliseconds: until the time that the vendor named; negative for the past.
  public init(milliseconds: Int64) {
    isReduced = milliseconds > Self.maximumMilliseconds
    self.milliseconds = isReduced ? Self.maximumMilliseconds : Int(max(0, milliseconds))
  }

  /// Reads a header value: seconds, for some vendors with a fraction, or an HTTP date.
  ///
  /// - Returns: nil if the value is invalid.
  public init?(_ value: String, nowMilliseconds: Int64) {
    let tokens = value.split { $0 == " " || $0 == "\t" }
    if tokens.count == 1, Self.isDecimal(tokens[0]), let seconds = Double(tokens[0]) {
      // A number of any length fits after this.
      let capped = min(seconds * 1_000, Double(Self.maximumMilliseconds) + 1)
      self.init(milliseconds: Int64(capped.rounded(.up)))
    } else if let date = Self.httpDate(value, nowMilliseconds: nowMilliseconds) {
      self.init(milliseconds: date - nowMilliseconds)
    } else {
      return nil
    }
  }

  public static func < (one: Self, other: Self) -> Bool {
    one.milliseconds < other.milliseconds || !one.isReduced && other.isReduced
  }

  private static func isDecimal(_ text: Substring) -> Bool {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    return digits.contains(first) && digits.contains(last)
      && text.utf8.allSatisfy { digits.contains($0) || $0 == UInt8(ascii: ".") }
  }

  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// Milliseconds since 1970 of a date in one of the three forms of RFC 9110 section 5.6.7, all in
  /// GMT: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37
  /// 1994`.
  package static func httpDate(_ text: String, nowMilliseconds: Int64) -> Int64? {
    var month: Int?
    var time: [Int]?
    var numbers: [Int] = []
    for token in text.split(whereSeparator: { " \t,-".contains($0) }) {
      if let index = months.firstIndex(of: token.lowercased()) {
        month = index
      } else if token.contains(":") {
        time = token.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
      } else if let number = Int(token) {
        numbers.append(number)
      }
    }
    guard let month, let time, time.count == 3, numbers.count == 2 else { return nil }
    var parts = tm()
    let year =
      numbers[1] < 100 ? fullYear(numbers[1], nowMilliseconds: nowMilliseconds) : numbers[1]
    guard (1970...9999).contains(year), (1...31).contains(numbers[0]), (0...23).contains(time[0]),
      (0...59).contains(time[1]), (0...60).contains(time[2])
    else { return nil }
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(month)
    parts.tm_mday = Int32(numbers[0])
    parts.tm_hour = Int32(time[0])
    parts.tm_min = Int32(time[1])
    parts.tm_sec = Int32(time[2])
    return Int64(timegm(&parts)) * 1_000
  }

  /// The latest year with these last two digits that is at most fifty years in the future.
  private static func fullYear(_ twoDigits: Int, nowMilliseconds: Int64) -> Int {
    var seconds = time_t(nowMilliseconds / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let latest = Int(parts.tm_year) + 1900 + 50
    return latest - (latest - twoDigits) % 100
  }
}
