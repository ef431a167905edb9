import Glibc

/// The parts of a line as `LedgerRecord.write` lays it out. Nothing is copied: a process that needs one key
/// reads hundreds of thousands of lines.
struct LedgerLine {
  typealias Text = UnsafeRawBufferPointer.SubSequence

  enum End {
    case started
    /// With the text of the result, which is not parsed before it is needed.
    case done(Text)
    case unknown
    case notApplied
  }

  /// Hexadecimal digits, at most 128.
  let name: Text
  let call: Text
  /// Milliseconds since 1970, at most `LedgerRecord.latestTime`.
  let time: Int64
  let end: End

  /// - Returns: nil for a line of another layout, and for an invalid one.
  init?(_ line: UnsafeRawBufferPointer) {
    var scanner = Scanner(rest: line[...])
    guard scanner.take("{\"key\":\""), let name = scanner.digest(),
      scanner.take("\",\"call\":\""), let call = scanner.digest(),
      scanner.take("\",\"time\":"), let time = scanner.number(),
      scanner.take(",\"end\":\""), let end = scanner.end(), time <= LedgerRecord.latestTime
    else { return nil }
    (self.name, self.call, self.time, self.end) = (name, call, time, end)
  }

  private struct Scanner {
    var rest: Text

    mutating func end() -> End? {
      if take("done\",\"result\":") {
        guard rest.count > 1, rest.last == UInt8(ascii: "}") else { return nil }
        return .done(rest.dropLast())
      }
      if isRest("started\"}") { return .started }
      if isRest("not_applied\"}") { return .notApplied }
      return isRest("unknown\"}") ? .unknown : nil
    }

    mutating func take(_ text: StaticString) -> Bool {
      let count = text.utf8CodeUnitCount
      guard rest.count >= count, starts(with: text) else { return false }
      rest = rest.dropFirst(count)
      return true
    }

    private func isRest(_ text: StaticString) -> Bool {
      rest.count == text.utf8CodeUnitCount && starts(with: text)
    }

    /// - Parameter text: not longer than the rest.
    private func starts(with text: StaticString) -> Bool {
      guard let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress else { return false }
      return memcmp(base, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    mutating func digest() -> Text? {
      let digits = rest.prefix { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      guard !digits.isEmpty, digits.count <= 128 else { return nil }
      rest = rest[digits.endIndex...]
      return digits
    }

    mutating func number() -> Int64? {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      // Longer ones are read by the JSON parser, which knows about overflow.
      guard (1...15).contains(digits.count) else { return nil }
      rest = rest[digits.endIndex...]
      return digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    }
  }
}
