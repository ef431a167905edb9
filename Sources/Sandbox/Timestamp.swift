import Glibc

/// Texts for points in time, in UTC.
enum Timestamp {
  /// `2026-11-20T06:00:00Z`.
  static func iso(_ unixSeconds: Int) -> String {
    let (date, clock) = parts(unixSeconds)
    return "\(date)T\(clock)Z"
  }

  /// `2026-11-20T06:00:00`, without a zone.
  static func plain(_ unixSeconds: Int) -> String {
    let (date, clock) = parts(unixSeconds)
    return "\(date)T\(clock)"
  }

  /// `2026-11-20 06:00:00+00:00`, as Python prints it.
  static func spaced(_ unixSeconds: Int) -> String {
    let (date, clock) = parts(unixSeconds)
    return "\(date) \(clock)+00:00"
  }

  /// Parses `2026-11-20T06:00:00` with an optional fraction, and `Z` or an offset such as `+02:00`;
  /// the default is UTC. Nil for other texts.
  static func seconds(iso text: String) -> Int? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int32? {
      guard range.upperBound <= bytes.count else { return nil }
      return bytes[range].reduce(0 as Int32?) { sum, byte in
        let digit = Int32(byte) - 48
        return (0...9).contains(digit) ? sum.map { $0 * 10 + digit } : nil
      }
    }
    func has(_ mark: Character, at place: Int) -> Bool {
      place < bytes.count && bytes[place] == mark.asciiValue
    }
    guard let year = number(0..<4), has("-", at: 4), let month = number(5..<7), has("-", at: 7),
      let day = number(8..<10), has("T", at: 10), let hour = number(11..<13), hour < 24,
      has(":", at: 13), let minute = number(14..<16), minute < 60, has(":", at: 16),
      let second = number(17..<19), second < 60
    else { return nil }
    var at = 19
    if has(".", at: at) {
      repeat { at += 1 } while number(at..<at + 1) != nil
    }
    var offsetMinutes: Int32 = 0
    if has("Z", at: at) {
      at += 1
    } else if has("+", at: at) || has("-", at: at) {
      guard let hours = number(at + 1..<at + 3), has(":", at: at + 3),
        let minutes = number(at + 4..<at + 6)
      else { return nil }
      offsetMinutes = (has("-", at: at) ? -1 : 1) * (hours * 60 + minutes)
      at += 6
    }
    guard at == bytes.count else { return nil }
    var fields = tm()
    fields.tm_year = year - 1_900
    fields.tm_mon = month - 1
    fields.tm_mday = day
    fields.tm_hour = hour
    fields.tm_min = minute
    fields.tm_sec = second
    let seconds = timegm(&fields)
    // timegm normalizes invalid days: 30 February becomes a day in March.
    guard fields.tm_mon == month - 1, fields.tm_mday == day else { return nil }
    return seconds - Int(offsetMinutes) * 60
  }

  private static func parts(_ unixSeconds: Int) -> (date: String, clock: String) {
    var seconds = unixSeconds
    var fields = tm()
    gmtime_r(&seconds, &fields)
    let date = [fields.tm_year + 1_900, fields.tm_mon + 1, fields.tm_mday]
    let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec]
    return (date.map(pad).joined(separator: "-"), clock.map(pad).joined(separator: ":"))
  }

  private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
