import Basics
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
    if let line = LedgerLine(line) {
      self.init(line)
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

  /// The record of another state of the same key.
  func ending(_ end: End, at time: Int64) -> LedgerRecord {
    LedgerRecord(name: name, call: call, time: time, end: end)
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

  private init(_ line: LedgerLine) {
    let end: End =
      switch line.end {
      case .started: .started
      case .done(let result): .done(LedgerResult(unverified: Array(result)))
      case .unknown: .unknown
      case .notApplied: .notApplied
      }
    self.init(
      name: String(decoding: line.name, as: UTF8.self),
      call: String(decoding: line.call, as: UTF8.self), time: line.time, end: end)
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
