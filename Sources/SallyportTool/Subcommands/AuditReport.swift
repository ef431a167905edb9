import Basics
import Engine
import Glibc
import JSON

/// The result of checking an audit file.
struct AuditReport {
  /// Bytes that are read at a time.
  private static let chunkBytes = 256 * 1_024
  /// Attempts to get the lock of the file, and milliseconds between them. A host has the lock for the
  /// time of one write.
  private static let lockAttempts = 100
  private static let lockPauseMilliseconds: UInt32 = 10

  private let path: String
  private var verification = AuditVerification()
  /// Nil if the chain is intact.
  private(set) var fault: AuditVerification.Fault?

  /// Reads the file as it is now. Lines that hosts append meanwhile are left out.
  init(of path: String) throws(FileError) {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    defer { close(descriptor) }
    let code = read(descriptor, upTo: Self.size(of: descriptor))
    guard code == 0 else { throw FileError(path: path, code: code) }
  }

  /// The size of a file between two writes; nil for a stream.
  private static func size(of descriptor: Int32) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    for _ in 0..<lockAttempts {
      let code = FileLock.tryLock(descriptor)
      guard code == EWOULDBLOCK else {
        if code == 0 {
          fstat(descriptor, &status)
          FileLock.unlock(descriptor)
        }
        break
      }
      usleep(lockPauseMilliseconds * 1_000)
    }
    return Int(status.st_size)
  }

  // MARK: Reading

  /// Checks the lines up to the first broken one.
  ///
  /// - Returns: 0 or an errno.
  private mutating func read(_ descriptor: Int32, upTo size: Int?) -> Int32 {
    var remaining = size ?? .max
    var rest: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    while remaining > 0 {
      let count = Glibc.read(descriptor, &chunk, min(chunk.count, remaining))
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      if count == 0 { break }
      remaining -= count
      var start = 0
      while let end = chunk[start..<count].firstIndex(of: 0x0A) {
        rest.append(contentsOf: chunk[start..<end])
        guard isIntact(rest) else { return 0 }
        rest.removeAll(keepingCapacity: true)
        start = end + 1
      }
      rest.append(contentsOf: chunk[start..<count])
      guard rest.count <= AuditVerification.maximumLineBytes else {
        fault = verification.tooLongLine()
        return 0
      }
    }
    if !rest.isEmpty { fault = verification.incompleteLine() }
    return 0
  }

  private mutating func isIntact(_ line: [UInt8]) -> Bool {
    do throws(AuditVerification.Fault) {
      try verification.add(line)
      return true
    } catch {
      fault = error
      return false
    }
  }

  // MARK: Showing

  func show() {
    Console.print("\(path)")
    if let fault {
      Console.print("\(Style.bold("broken")): line \(fault.line) \(fault.problem)")
    } else {
      Console.print("\(Style.bold("intact")): \(verification.lines) lines")
    }
    showRange()
    showUnfinished()
  }

  private func showRange() {
    guard let first = verification.first, let last = verification.last else { return }
    if verification.beginsInMidChain {
      Console.print("begins in mid-chain: lines before the first one are in another file")
    }
    Console.print("")
    var table = Table(["", "line", "seq", "time"])
    table.rows = [("first", first), ("last", last)].map { name, place in
      [name, "\(place.line)", "\(place.seq)", place.time]
    }
    for line in table.lines(width: Style.columns).text { Console.print(line) }
    if fault == nil, let digest = verification.digest {
      Console.print("SHA-256 of the last line: \(digest)")
    }
  }

  private func showUnfinished() {
    let count = verification.unfinishedCount
    Console.print("")
    if let fault { Console.print("Line \(fault.line) and those after it were not checked.") }
    guard count > 0 else {
      return Console.print(
        fault == nil
          ? "Every write that started has finished."
          : "Every write that started before it has finished.")
    }
    let writesStarted = count == 1 ? "1 write" : "\(count) writes"
    Console.print("\(Style.bold("\(writesStarted) started and never finished"))")
    let writes = verification.unfinished
    for write in writes {
      let connection = write.connection.map { " on \($0)" } ?? ""
      let targets = write.targets.map { ", \($0) \($0 == 1 ? "target" : "targets")" } ?? ""
      Console.print("line \(write.place.line)  \(write.place.time)")
      Console.print("  \(write.integration) \(write.command)\(connection)\(targets)")
      if let trace = write.traceID { Console.print("  trace \(trace)") }
    }
    if count > writes.count { Console.print("and \(count - writes.count) more") }
  }

  var json: JSONFragment {
    JSONFragment { writer in
      writer.object { writer in
        writer.member("file", path)
        writer.member("intact", fault == nil)
        writer.member("lines", verification.lines)
        writer.member("begins_in_mid_chain", verification.beginsInMidChain)
        Self.write("first", verification.first, to: &writer)
        Self.write("last", verification.last, to: &writer)
        writer.member(ifPresent: "last_sha256", fault == nil ? verification.digest : nil)
        if let fault {
          writer.name("broken")
          writer.object {
            $0.member("line", fault.line)
            $0.member("problem", fault.problem)
          }
        }
        writer.name("unfinished")
        writer.array { writer in
          for write in verification.unfinished { Self.write(write, to: &writer) }
        }
        writer.member("unfinished_count", verification.unfinishedCount)
      }
    }
  }

  private static func write(
    _ name: StaticString, _ place: AuditVerification.Place?, to writer: inout JSONWriter
  ) {
    guard let place else { return }
    writer.name(name)
    writer.object {
      $0.member("line", place.line)
      $0.integer("seq", place.seq)
      $0.member("time", place.time)
    }
  }

  private static func write(
    _ write: AuditVerification.Unfinished, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("line", write.place.line)
      writer.integer("seq", write.place.seq)
      writer.member("time", write.place.time)
      writer.member("integration", write.integration)
      writer.member("command", write.command)
      writer.member(ifPresent: "connection", write.connection)
      if let targets = write.targets { writer.member("target_count", targets) }
      writer.member(ifPresent: "trace_id", write.traceID)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func integer(_ name: StaticString, _ value: Int64) {
    self.name(name)
    integer(value)
  }
}
