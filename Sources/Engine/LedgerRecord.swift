import Basics
import Glibc
import JSON

/// One line of the idempotency ledger: a command started under a key, or ended.
struct LedgerRecord: Sendable {
  enum End: Sendable {
    case started
    case done(LedgerResult)
    /// It failed, and the vendor may have acted.
    case unknown
    /// It failed without effect, so that the key is free again.
    case notApplied
  }

  /// Digests: neither keys nor arguments are in the file.
  let name: String
  let call: String
  /// Milliseconds since 1970.
  let time: Int64
  let end: End

  /// The latest time of a valid record, the year 2100. An absolute limit: while the clock of the
  /// machine is wrong, no valid record may be taken for an invalid one.
  static let latestTime: Int64 = 4_102_444_800_000
  /// Bytes of a line without the result, about.
  static let lineBytes = 220

  // MARK: Writing

  /// Appends the line with its line end.
  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("key", name)
      writer.member("call", call)
      writer.name("time")
      writer.integer(time)
      switch end {
      case .started: writer.member("end", "started")
      case .unknown: writer.member("end", "unknown")
      case .notApplied: writer.member("end", "not_applied")
      case .done(let result):
        // A damaged result leaves what is known for certain.
        guard let result = result.fragment else {
          writer.member("end", "unknown")
          return
        }
        writer.member("end", "done")
        writer.member("result", result)
      }
    }
    writer.endLine()
  }

  // MARK: Reading

  /// The record of a line without its line end.
  ///
  /// - Returns: nil for an invalid line, as a crash or a full disk leaves it.
  init?(line: UnsafeRawBufferPointer) {
    var scanner = Scanner(line)
    if let record = scanner.record() {
      self = record
    } else {
      self.init(anyLine: Array(line))
    }
    guard (0...Self.latestTime).contains(time) else { return nil }
  }

  init(name: String, call: String, time: Int64, end: End) {
    self.name = name
    self.call = call
    self.time = time
    self.end = end
  }

  /// A line of any layout.
  private init?(anyLine line: [UInt8]) {
    // A result is some levels deeper here than on the wire.
    guard let json = try? JSON.parse(line, limits: JSONLimits(depth: 1_024)),
      let name = json["key"]?.string, let call = json["call"]?.string,
      let time = json["time"]?.integer
    else { return nil }
    let end: End
    switch json["end"]?.string {
    case "started": end = .started
    case "unknown": end = .unknown
    case "not_applied": end = .notApplied
    case "done":
      guard let result = json["result"] else { return nil }
      end = .done(LedgerResult(JSONFragment(result)))
    default: return nil
    }
    self.init(name: name, call: call, time: time, end: end)
  }

  /// Reads lines as `write` lays them out. A process that needs one key reads thousands of them:
  /// their results are not parsed before they are needed.
  private struct Scanner {
    private var rest: UnsafeRawBufferPointer.SubSequence

    init(_ line: UnsafeRawBufferPointer) { rest = line[...] }

    mutating func record() -> LedgerRecord? {
      guard take("{\"key\":\""), let name = digest(), take("\",\"call\":\""), let call = digest(),
        take("\",\"time\":"), let time = number(), take(",\"end\":\""), let end = end()
      else { return nil }
      return LedgerRecord(name: name, call: call, time: time, end: end)
    }

    private mutating func end() -> End? {
      if take("done\",\"result\":") {
        guard rest.count > 1, rest.last == UInt8(ascii: "}") else { return nil }
        return .done(LedgerResult(unverified: Array(rest.dropLast())))
      }
      if isRest("started\"}") { return .started }
      if isRest("not_applied\"}") { return .notApplied }
      return isRest("unknown\"}") ? .unknown : nil
    }

    private mutating func take(_ text: StaticString) -> Bool {
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

    private mutating func digest() -> String? {
      let digits = rest.prefix { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      guard !digits.isEmpty, digits.count <= 128 else { return nil }
      rest = rest[digits.endIndex...]
      return String(decoding: digits, as: UTF8.self)
    }

    private mutating func number() -> Int64? {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      // Longer ones are read by the JSON parser, which knows about overflow.
      guard (1...15).contains(digits.count) else { return nil }
      rest = rest[digits.endIndex...]
      return digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    }
  }
}

/// A result in the ledger. One that was read from the file is verified when it is needed.
struct LedgerResult: Sendable {
  private let bytes: [UInt8]
  private let isVerified: Bool

  init(_ fragment: JSONFragment) {
    bytes = fragment.bytes
    isVerified = true
  }

  init(unverified bytes: [UInt8]) {
    self.bytes = bytes
    isVerified = false
  }

  var count: Int { bytes.count }

  /// Nil if the file was damaged.
  var fragment: JSONFragment? {
    if isVerified { return JSONFragment(trusted: bytes) }
    // Written anew: what others wrote may hold raw line separators.
    return (try? JSON.parse(bytes, limits: JSONLimits(depth: 1_024))).map { JSONFragment($0) }
  }
}
