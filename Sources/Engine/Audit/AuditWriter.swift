import Basics
import Crypto
import Glibc

/// Appends lines to the audit file: opens it, locks it, continues its chain.
///
/// A file is shared with other hosts: each append takes its lock, and reads the last line if another
/// host has written since. FIFOs and devices have no lock and nothing to read; their chain is that of
/// this process.
final class AuditWriter: @unchecked Sendable {
  // @unchecked: only one piece of work of the audit lane at a time uses it.

  struct Record: Sendable {
    /// An object.
    let bytes: [UInt8]
    let milliseconds: Int64
  }

  enum Attempt {
    case written
    /// Another host has the lock. Nothing of the records is written.
    case busy
    /// A FIFO without a reader, or a full one.
    ///
    /// - Parameter areTaken: whether the writer has the records, and writes the rest of them later.
    case stalled(areTaken: Bool)
    /// Nothing of the records is in the file.
    case failed(reason: String)
  }

  private struct File {
    let descriptor: Int32
    /// Whether it can be locked and read, unlike FIFOs and devices.
    let isRegular: Bool
  }

  private let path: String
  private let log: Log
  /// Nil while a FIFO has no reader.
  private var file: File?
  private var chain = AuditChain()
  /// The size of the file after the last line of `chain`; nil if it must be read.
  private var knownBytes: Int?
  /// Of a FIFO: the rest of lines that are in the chain.
  private var unwritten: [UInt8] = []
  var unwrittenBytes: Int { unwritten.count }

  init(_ path: String, log: Log) throws(FileError) {
    self.path = path
    self.log = log
    file = try Self.open(path) { log.warning($0) }
    if file == nil {
      log.warning("the audit file \(path) is a FIFO without a reader: its records wait for one")
    }
  }

  /// - Returns: nil for a FIFO without a reader.
  private static func open(
    _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) -> File? {
    var status = stat()
    let mayBeRead = stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    do throws(FileError) {
      // Such as /dev/stderr.
      let descriptor = try TrustedFile.openForWriting(
        path, (mayBeRead ? O_RDWR : O_WRONLY) | O_APPEND | O_NONBLOCK, acceptsStreams: true,
        warn: warn)
      let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      return File(descriptor: descriptor, isRegular: isRegular)
    } catch {
      guard error.code == ENXIO, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO
      else { throw error }
      try TrustedFile.check(path, warn: warn)
      return nil
    }
  }

  private func close() {
    if let old = file.take() { Glibc.close(old.descriptor) }
    knownBytes = nil
  }

  /// Opens the file anew, as after a rotation. If that fails, the old file is kept.
  func reopen() {
    // Other hosts may have written the last line, which the new file refers to.
    if let file, file.isRegular, let bytes = size(of: file), bytes != knownBytes {
      try? chain.read(file.descriptor, bytes: bytes, of: path)
    }
    do throws(FileError) {
      let new = try Self.open(path)
      close()
      file = new
    } catch {
      log.error("the audit file cannot be reopened, and its old one is kept: \(error)")
    }
  }

  // MARK: Writing

  /// Writes all records, or none to a regular file.
  ///
  /// - Parameter isSynced: whether they must be on the disk.
  func write(_ records: [Record], isSynced: Bool) -> Attempt {
    do throws(FileError) {
      if file == nil { file = try Self.open(path) }
    } catch {
      unwritten = []
      return .failed(reason: "\(error)")
    }
    guard let file else { return .stalled(areTaken: false) }
    guard file.isRegular else { return stream(records, to: file) }
    // Of a FIFO that a file has replaced.
    unwritten = []
    return append(records, to: file, isSynced: isSynced)
  }

  private func size(of file: File) -> Int? {
    var status = stat()
    return fstat(file.descriptor, &status) == 0 ? Int(status.st_size) : nil
  }

  private func append(_ records: [Record], to file: File, isSynced: Bool) -> Attempt {
    switch FileLock.tryLock(file.descriptor) {
    case 0: break
    case EWOULDBLOCK: return .busy
    case let code:
      return .failed(reason: "\(path) cannot be locked: \(String(cString: strerror(code)))")
    }
    defer { FileLock.unlock(file.descriptor) }
    guard let before = size(of: file) else { return failed(errno) }
    let lines: [UInt8]
    let chain: AuditChain
    do throws(AuditChain.Failure) {
      if before != knownBytes { try self.chain.read(file.descriptor, bytes: before, of: path) }
      (lines, chain) = try form(records)
    } catch {
      knownBytes = nil
      return .failed(reason: reason(error))
    }
    var code = FileDescriptor.writeAll(lines, to: file.descriptor)
    if code == 0, isSynced, fsync(file.descriptor) != 0 { code = errno }
    guard code == 0 else {
      // A part of a line would break the chain.
      ftruncate(file.descriptor, off_t(before))
      knownBytes = nil
      return failed(code)
    }
    self.chain = chain
    knownBytes = before + lines.count
    return .written
  }

  private func stream(_ records: [Record], to file: File) -> Attempt {
    if !unwritten.isEmpty {
      let code = writeUnwritten(to: file)
      if code == EAGAIN { return .stalled(areTaken: false) }
      if code != 0 { return failed(code) }
    }
    do throws(AuditChain.Failure) {
      let (lines, chain) = try form(records)
      let before = self.chain
      (unwritten, self.chain) = (lines, chain)
      let code = writeUnwritten(to: file)
      if code == EAGAIN { return .stalled(areTaken: true) }
      guard code == 0 else {
        self.chain = before
        return failed(code)
      }
      return .written
    } catch {
      return .failed(reason: reason(error))
    }
  }

  /// - Returns: `EAGAIN` if the rest must wait; another errno if it is lost.
  private func writeUnwritten(to file: File) -> Int32 {
    var written = 0
    defer { unwritten.removeFirst(written) }
    while written < unwritten.count {
      let count = unwritten.withUnsafeBytes {
        Glibc.write(file.descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: return EAGAIN
      case EPIPE:
        // The reader of a FIFO went away; another one may come.
        close()
        return EAGAIN
      case let code:
        written = unwritten.count
        return code
      }
    }
    return 0
  }

  private func form(
    _ records: [Record]
  ) throws(AuditChain.Failure) -> (lines: [UInt8], AuditChain) {
    var chain = chain
    var lines: [UInt8] = []
    lines.reserveCapacity(records.reduce(0) { $0 + $1.bytes.count + Self.headBytes })
    do throws(CryptoError) {
      for record in records {
        try chain.append(record.bytes, atMilliseconds: record.milliseconds, to: &lines)
      }
    } catch {
      throw .crypto(error)
    }
    return (lines, chain)
  }

  /// Of the members that the chain adds, about.
  private static let headBytes = 160

  private func failed(_ code: Int32) -> Attempt {
    .failed(reason: "\(FileError(path: path, code: code))")
  }

  private func reason(_ failure: AuditChain.Failure) -> String {
    switch failure {
    case .file(let error): "\(error)"
    case .crypto(let error): "its chain needs libcrypto: \(error.reason)"
    case .tooLong: "\(path): its last line has more than \(AuditChain.maximumLineBytes) bytes"
    }
  }
}
