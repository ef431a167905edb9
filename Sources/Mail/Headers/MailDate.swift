import Basics

/// A time with its original zone (RFC 5322 sections 3.3 and 4.3).
package struct MailDate: Sendable, Hashable {
  package let timestamp: Timestamp
  /// East of UTC.
  package let offsetMinutes: Int

  package init(_ timestamp: Timestamp, offsetMinutes: Int = 0) {
    self.timestamp = timestamp
    self.offsetMinutes = offsetMinutes
  }

  /// Nil if the text cannot be read. The day of the week is ignored. In a Received field the date
  /// follows the last semicolon.
  package init?(_ text: String) { self.init(Array(text.utf8)[...]) }

  init?(_ raw: ArraySlice<UInt8>) {
    guard let fields = DateFields(HeaderText.unfold(raw)), let date = fields.date else {
      return nil
    }
    self = date
  }
}

/// The numbers of a date in source order: day, month, year, hours, minutes, seconds.
private struct DateFields {
  private var numbers: [Int] = []
  private var offsetMinutes = 0

  init?(_ text: [UInt8]) {
    var tokens = Self.tokens(text)[...]
    // Skip the day of the week.
    while let first = tokens.first, !ASCII.isDigit(first[0]) { tokens.removeFirst() }
    while numbers.count < 5 {
      guard let token = tokens.popFirst(), let number = Self.number(token, at: numbers.count) else {
        return nil
      }
      numbers.append(number)
    }
    if let token = tokens.first, token.count <= 2, let seconds = Self.number(token, at: 5) {
      numbers.append(seconds)
      tokens.removeFirst()
    } else {
      numbers.append(0)
    }
    if let zone = tokens.first { offsetMinutes = Self.offset(zone) }
  }

  var date: MailDate? {
    let (day, month, hours, minutes) = (numbers[0], numbers[1], numbers[3], numbers[4])
    var year = numbers[2]
    // RFC 5322 section 4.3.
    if year < 50 { year += 2_000 } else if year < 1_000 { year += 1_900 }
    guard (1...12).contains(month), (1...CivilDate.days(inMonth: month, of: year)).contains(day),
      hours < 24, minutes < 60, numbers[5] <= 60
    else { return nil }
    let days = CivilDate(year: year, month: month, day: day).daysSince1970
    let seconds = ((days * 24 + hours) * 60 + minutes - offsetMinutes) * 60 + numbers[5]
    return MailDate(
      Timestamp(millisecondsSince1970: Int64(seconds) * 1_000), offsetMinutes: offsetMinutes)
  }

  /// The runs of letters and digits after the last semicolon, without comments. A zone keeps its
  /// sign.
  private static func tokens(_ text: [UInt8]) -> [[UInt8]] {
    var tokens: [[UInt8]] = []
    var token: [UInt8] = []
    var at = 0
    func flush() {
      if !token.isEmpty { tokens.append(token) }
      token.removeAll()
    }
    while at < text.count {
      let byte = text[at]
      if byte == ASCII.open {
        flush()
        at = CommentReader.end(text, at)
        continue
      }
      if byte == ASCII.semicolon {
        token.removeAll()
        tokens.removeAll()
      } else if ASCII.isDigit(byte) || ASCII.isLetter(byte) {
        token.append(byte)
      } else {
        flush()
        if byte == ASCII.hyphen || byte == UInt8(ascii: "+"), tokens.count >= 5 {
          token.append(byte)
        }
      }
      at += 1
    }
    flush()
    return tokens
  }

  private static func number(_ token: [UInt8], at position: Int) -> Int? {
    if position == 1, token.count >= 3, !ASCII.isDigit(token[0]) {
      let name = token.prefix(3).map(ASCII.lowercased)
      return months.firstIndex { $0.elementsEqual(name) }.map { $0 + 1 }
    }
    guard token.count <= 4, token.allSatisfy(ASCII.isDigit) else { return nil }
    return token.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ].map { Array($0.utf8) }

  /// Unknown letters, including military zones, mean -0000 (RFC 5322 section 4.3).
  private static func offset(_ zone: [UInt8]) -> Int {
    let digits = zone.dropFirst(ASCII.isDigit(zone[0]) ? 0 : 1)
    if !ASCII.isLetter(zone[0]), digits.count == 4, digits.allSatisfy(ASCII.isDigit) {
      let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      let minutes = number / 100 * 60 + number % 100
      return zone[0] == ASCII.hyphen ? -minutes : minutes
    }
    let name = String(decoding: zone.prefix(3).map(ASCII.lowercased), as: UTF8.self)
    return hours[name].map { $0 * 60 } ?? 0
  }

  private static let hours = [
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
  ]
}

extension MailDate {
  /// `Fri, 20 Nov 2026 12:00:00 +0000`
  package var rfc5322: String {
    let seconds = timestamp.millisecondsSince1970 / 1_000 + Int64(offsetMinutes) * 60
    let secondOfDay = Int((seconds % 86_400 + 86_400) % 86_400)
    let days = (Int(seconds) - secondOfDay) / 86_400
    let date = CivilDate(daysSince1970: days)
    let clock = [secondOfDay / 3_600, secondOfDay / 60 % 60, secondOfDay % 60]
    let offset = abs(offsetMinutes)
    return Self.days[((days + 4) % 7 + 7) % 7] + ", \(date.day) " + Self.months[date.month - 1]
      + " \(Self.padded(date.year, 4)) " + clock.map { Self.padded($0, 2) }.joined(separator: ":")
      + (offsetMinutes < 0 ? " -" : " +") + Self.padded(offset / 60 * 100 + offset % 60, 4)
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
