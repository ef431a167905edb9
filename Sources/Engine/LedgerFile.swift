import Basics
import Glibc
import JSON

/// The idempotency ledger on disk: a line of JSON for each start and each end of a command, appended
/// by any number of processes under a file lock.
///
/// Everything here blocks. One thread at a time uses a value, and reads and writes only with the
/// lock held and after `reopenIfReplaced`.
struct LedgerFile: Sendable {
  /// Bytes read at a time.
  private static let bufferBytes = 64 * 1_024
  /// Bytes of a line. A longer one is invalid: a result has 64 KiB at most.
  private static let maximumLineBytes = 128 * 1_024

  /// Closes the descriptor, and with it releases the lock, when nothing uses it any more.
  private final class Handle: Sendable {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  /// A file from this size on is scanned for the lines that count.
  private static let scanBytes = 1_024 * 1_024

  let path: String
  private let scanBytes: Int
  private var handle: Handle
  /// Everything before it has been read, or was written by this process.
  private var position = 0

  /// - Parameter scanBytes: for tests.
  init(_ path: String, scanBytes: Int = LedgerFile.scanBytes) throws(FileError) {
    self.path = path
    self.scanBytes = scanBytes
    handle = try Self.open(path)
  }

  private static func open(_ path: String) throws(FileError) -> Handle {
    Handle(try TrustedFile.openForWriting(path, O_RDWR | O_APPEND | O_NONBLOCK))
  }

  var descriptor: Int32 { handle.descriptor }

  func unlock() { FileLock.unlock(descriptor) }

  enum Replacement {
    /// By a compacted file, which holds every key that counts.
    case compacted
    /// Somebody removed it.
    case removed
  }

  /// Opens the file anew, without the lock, if another process has replaced it.
  ///
  /// - Returns: nil if the open file is the one that the path names.
  mutating func reopenIfReplaced() throws(FileError) -> Replacement? {
    var (own, named) = (stat(), stat())
    guard fstat(descriptor, &own) == 0 else { throw FileError(path: path, code: errno) }
    if lstat(path, &named) == 0, own.st_ino == named.st_ino, own.st_dev == named.st_dev {
      return nil
    }
    handle = try Self.open(path)
    position = 0
    return try size() == 0 ? .removed : .compacted
  }

  func size() throws(FileError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, code: errno) }
    return Int(status.st_size)
  }

  // MARK: Reading

  private static let scanBufferBytes = 512 * 1_024

  /// Reads what others have appended since the last call, in pieces.
  ///
  /// - Parameter newestFinished: how many finished keys count. Of a whole file, older ones may be left out.
  /// - Returns: how many lines are invalid.
  mutating func readNew(
    newestFinished: Int = .max, _ body: ([LedgerRecord]) -> Void
  ) throws(FileError) -> Int {
    // Truncated by somebody.
    if try size() < position { position = 0 }
    if position == 0, try size() >= scanBytes,
      let invalid = try scan(newestFinished: newestFinished, body)
    {
      return invalid
    }
    var buffer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: Self.bufferBytes)
    var invalid = 0
    var isInLongLine = false
    while true {
      let count = pread(descriptor, &chunk, chunk.count, off_t(position))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, code: errno)
      }
      position += count
      buffer.append(contentsOf: chunk.prefix(count))
      // The lock is held: a last line without its end is what a crash has left, and is whole.
      if count == 0, !buffer.isEmpty { buffer.append(UInt8(ascii: "\n")) }
      var records: [LedgerRecord] = []
      let used = Self.lines(in: buffer) { line in
        if isInLongLine {
          isInLongLine = false
        } else if let record = LedgerRecord(line: line) {
          records.append(record)
        } else if !line.isEmpty {
          invalid += 1
        }
      }
      body(records)
      buffer.removeFirst(used)
      if buffer.count > Self.maximumLineBytes {
        if !isInLongLine { invalid += 1 }
        isInLongLine = true
        buffer.removeAll()
      }
      if count == 0 { return invalid }
    }
  }

  /// Reads a whole file in two passes: the place of each line, then the lines that count.
  ///
  /// - Returns: how many lines are invalid; nil if the file must be read line by line.
  private mutating func scan(
    newestFinished: Int, _ body: ([LedgerRecord]) -> Void
  ) throws(FileError) -> Int? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.scanBufferBytes, alignment: 64)
    defer { buffer.deallocate() }
    var scan = LedgerScan(newestFinished: newestFinished)
    var (start, kept, invalid, isInLongLine) = (0, 0, 0, false)
    while true {
      let count = try read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[kept...]), at: start + kept)
      var (from, end) = (0, kept + count)
      // The lock is held: a last line without its end is what a crash has left, and is whole.
      if count == 0, kept > 0 {
        buffer[kept] = UInt8(ascii: "\n")
        end += 1
      }
      while from < end, let base = buffer.baseAddress,
        let found = memchr(base + from, 0x0A, end - from)
      {
        let length = UnsafeRawPointer(found) - UnsafeRawPointer(base + from)
        defer { from += length + 1 }
        if isInLongLine || length == 0 {
          isInLongLine = false
          continue
        }
        let line = UnsafeRawBufferPointer(start: base + from, count: length)
        switch scan.add(line, at: start + from) {
        case .added: break
        case .invalid: invalid += 1
        case .unsupported: return nil
        }
      }
      if count == 0 {
        start += kept
        break
      }
      kept = end - from
      start += from
      if kept > Self.maximumLineBytes {
        if !isInLongLine { invalid += 1 }
        isInLongLine = true
        (start, kept) = (start + kept, 0)
      } else if kept > 0, from > 0, let base = buffer.baseAddress {
        memmove(base, base + from, kept)
      }
    }
    position = start
    try readRecords(at: scan.places(), body)
    return invalid
  }

  /// Records handed on at a time.
  private static let recordsAtOnce = 256

  private func readRecords(
    at places: [LedgerScan.Place], _ body: ([LedgerRecord]) -> Void
  ) throws(FileError) {
    var records: [LedgerRecord] = []
    for place in places {
      var line = [UInt8](repeating: 0, count: place.count)
      let outcome = line.withUnsafeMutableBytes { bytes in
        Result { () throws(FileError) in try read(into: bytes, at: place.offset) }
      }
      guard try outcome.get() == place.count else { continue }
      if let record = line.withUnsafeBytes({ LedgerRecord(line: $0) }) { records.append(record) }
      if records.count == Self.recordsAtOnce {
        body(records)
        records = []
      }
    }
    body(records)
  }

  /// - Returns: how many bytes were read; 0 at the end of the file.
  private func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      if errno != EINTR { throw FileError(path: path, code: errno) }
    }
  }

  /// - Returns: how many bytes the whole lines take.
  private static func lines(in buffer: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
    buffer.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count, let base = bytes.baseAddress,
        let end = memchr(base + start, 0x0A, bytes.count - start)
      {
        let length = UnsafeRawPointer(end) - (base + start)
        body(UnsafeRawBufferPointer(start: base + start, count: length))
        start += length + 1
      }
      return start
    }
  }

  // MARK: Writing

  /// Appends the records whole, or leaves the file as it was.
  mutating func append(_ records: [LedgerRecord]) throws(FileError) {
    guard !records.isEmpty else { return }
    let before = try size()
    var writer = JSONWriter()
    // After half a line, left by a crash or a full disk, the record must not be lost with it.
    if endsInHalfLine(before) { writer.endLine() }
    for record in records { record.write(to: &writer) }
    let code = FileDescriptor.writeAll(writer.bytes, to: descriptor)
    guard code == 0 else {
      ftruncate(descriptor, off_t(before))
      throw FileError(path: path, code: code)
    }
    position = try size()
  }

  private func endsInHalfLine(_ size: Int) -> Bool {
    var last: UInt8 = 0
    return size > 0 && pread(descriptor, &last, 1, off_t(size - 1)) == 1
      && last != UInt8(ascii: "\n")
  }

  /// Replaces the file with one that holds these records only. Other processes find the old or the
  /// new file whole, also after a crash. Both are locked until then.
  mutating func replace(with records: [LedgerRecord]) throws(FileError) {
    let temporary = "\(path).new"
    // Left by a process that crashed: nobody else gets here while this one holds the lock.
    unlink(temporary)
    let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    let descriptor = Glibc.open(temporary, flags, 0o600)
    guard descriptor >= 0 else { throw FileError(path: temporary, code: errno) }
    var new = self
    new.handle = Handle(descriptor)
    let code = new.fill(records)
    guard code == 0, rename(temporary, path) == 0 else {
      let code = code == 0 ? errno : code
      unlink(temporary)
      throw FileError(path: temporary, code: code)
    }
    new.position = try new.size()
    self = new
    syncDirectory()
  }

  /// - Returns: 0 or an errno.
  private func fill(_ records: [LedgerRecord]) -> Int32 {
    // Nobody else can have it open. The lock goes on with the file.
    let code = FileLock.tryLock(descriptor)
    if code != 0 { return code }
    var writer = JSONWriter(capacity: Self.bufferBytes)
    for record in records {
      record.write(to: &writer)
      if writer.withBytes({ $0.count < Self.bufferBytes }) { continue }
      let code = FileDescriptor.writeAll(writer.bytes, to: descriptor)
      if code != 0 { return code }
      writer.removeAll()
    }
    let last = FileDescriptor.writeAll(writer.bytes, to: descriptor)
    if last != 0 { return last }
    return fsync(descriptor) == 0 ? 0 : errno
  }

  /// Makes the rename durable. Otherwise a crash of the machine brings the old file back, without
  /// what was appended to the new one.
  private func syncDirectory() {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = Glibc.open(
      directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
