import Basics
import Glibc
import JSON
import Synchronization

/// The idempotency ledger on disk: a line of JSON for each start and each end of a command, written
/// by any number of processes under a file lock.
final class LedgerFile: Sendable {
  enum End: Sendable {
    case started
    case done(JSONFragment)
    /// It failed, and the vendor may have acted.
    case unknown
    /// It failed without effect, so that the key is free again.
    case notApplied
  }

  struct Record: Sendable {
    let name: String
    let call: String
    let time: Int64
    let end: End
  }

  private let descriptor: Int32
  private let log: Log
  /// How far this process has read.
  private let position = Mutex(0)

  init(_ path: String, log: Log) throws(FileError) {
    descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    self.log = log
  }

  deinit { close(descriptor) }

  /// Calls `body` with what was written since the last call, and appends the record it decides on,
  /// all while no other process can.
  func exclusively<Value>(
    _ body: ([Record]) -> (Value, Record?, isConflict: Bool)
  ) throws(FileError) -> (Value, Record?, isConflict: Bool) {
    try lock()
    defer { flock(descriptor, LOCK_UN) }
    let decision = body(try readNew())
    if let record = decision.1 {
      let error = write(record)
      if error != 0 { throw FileError(path: "idempotency.jsonl", code: error) }
    }
    return decision
  }

  func append(_ record: Record) {
    let error: Int32
    do throws(FileError) {
      try lock()
      error = write(record)
      flock(descriptor, LOCK_UN)
    } catch let failure {
      error = failure.code
    }
    if error != 0 {
      log.error("the idempotency ledger cannot be written: \(String(cString: strerror(error)))")
    }
  }

  private func lock() throws(FileError) {
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else { throw FileError(path: "idempotency.jsonl", code: errno) }
    }
  }

  private func readNew() throws(FileError) -> [Record] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let start = position.withLock { $0 }
    while true {
      let count = pread(descriptor, &chunk, chunk.count, start + bytes.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: "idempotency.jsonl", code: errno)
      }
      if count == 0 { break }
      bytes.append(contentsOf: chunk.prefix(count))
    }
    let whole = (bytes.lastIndex(of: 0x0A) ?? -1) + 1
    position.withLock { $0 = start + whole }
    let lines = bytes[..<whole].split(separator: 0x0A)
    let records = lines.compactMap { Self.read(Array($0)) }
    if records.count < lines.count {
      log.warning(
        "\(lines.count - records.count) lines of idempotency.jsonl cannot be read: their keys are lost"
      )
    }
    return records
  }

  private func write(_ record: Record) -> Int32 {
    var writer = JSONWriter()
    // After half a line, left by a crash or a full disk, the record must not be lost with it.
    if endsInHalfLine { writer.endLine() }
    writer.object { writer in
      writer.member("key", record.name)
      writer.member("call", record.call)
      writer.name("time")
      writer.integer(record.time)
      switch record.end {
      case .started: writer.member("end", "started")
      case .unknown: writer.member("end", "unknown")
      case .notApplied: writer.member("end", "not_applied")
      case .done(let result):
        writer.member("end", "done")
        writer.member("result", result)
      }
    }
    writer.endLine()
    return FileDescriptor.writeAll(writer.bytes, to: descriptor)
  }

  private var endsInHalfLine: Bool {
    let end = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 0
    return end > 0 && pread(descriptor, &last, 1, end - 1) == 1 && last != UInt8(ascii: "\n")
  }

  /// Nil for a line that is no record, as after a full disk.
  private static func read(_ line: [UInt8]) -> Record? {
    // A result stands some levels deeper here than on the wire.
    guard let json = try? JSON.parse(line, limits: JSONLimits(depth: 1_024)),
      let name = json["key"]?.string,
      let call = json["call"]?.string, let time = json["time"]?.integer
    else { return nil }
    let end: End
    switch json["end"]?.string {
    case "started": end = .started
    case "unknown": end = .unknown
    case "not_applied": end = .notApplied
    case "done":
      guard let result = json["result"] else { return nil }
      end = .done(JSONFragment(result))
    default: return nil
    }
    return Record(name: name, call: call, time: time, end: end)
  }
}
