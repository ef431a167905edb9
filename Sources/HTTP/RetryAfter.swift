import Basics
import Glibc

/// The Retry-After header (RFC 9110 section 10.2.3).
public enum RetryAfter {
  /// Waits beyond a day are cut to it; no deadline is that long.
  public static let maximumMilliseconds = 86_400_000

  /// Milliseconds to wait from a header value: whole seconds, or an HTTP date.
  ///
  /// - Returns: nil when the value is neither; 0 for a date that has passed.
  public static func milliseconds(_ value: String, nowMilliseconds: Int64) -> Int? {
    let trimmed = value.drop { $0 == " " }
    if let seconds = Double(trimmed), seconds.isFinite, seconds >= 0 {
      return Int(min(seconds * 1_000, Double(maximumMilliseconds)).rounded(.up))
    }
    guard let date = httpDate(String(trimmed)) else { return nil }
    return Int(min(max(0, date - nowMilliseconds), Int64(maximumMilliseconds)))
  }

  /// Milliseconds since 1970 of the three date forms of RFC 9110 section 5.6.7.
  static func httpDate(_ text: String) -> Int64? {
    for format in ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
    {
      var parts = tm()
      guard let end = strptime(text, format, &parts), end.pointee == 0 else { continue }
      return Int64(timegm(&parts)) * 1_000
    }
    return nil
  }
}
