import CProcess
import Glibc

/// Complete reads and writes on POSIX file descriptors and files.
package enum FileDescriptor {
  /// Writes all bytes. Continues after interruptions and short writes.
  ///
  /// - Returns: 0, or the errno of the failed write (`EPIPE` if the reader has closed).
  @discardableResult
  package static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    bytes.withUnsafeBytes { writeAll($0, to: descriptor).error }
  }

  /// - Returns: the number of bytes written, and 0 or the errno of the failed write.
  package static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
  ) -> (count: Int, error: Int32) {
    var written = 0
    while written < bytes.count {
      let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count >= 0 {
        written += count
      } else if errno == EAGAIN {
        var descriptors = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&descriptors, 1, -1)
      } else if errno != EINTR {
        return (written, errno)
      }
    }
    return (written, 0)
  }

  /// Writes as much as the system takes at once, to a pipe or a socket.
  ///
  /// - Returns: the number of bytes written, and 0 or the errno: `EAGAIN` if a further write would
  ///   wait, `EOPNOTSUPP`, `ENOSYS` or `EINVAL` if the descriptor or the system cannot tell.
  package static func writeWithoutWaiting(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
  ) -> (count: Int, error: Int32) {
    var written = 0
    while written < bytes.count {
      let count = sallyport_write_without_waiting(
        descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        return (written, count == 0 ? EAGAIN : errno)
      }
    }
    return (written, 0)
  }

  /// Reads a whole file.
  ///
  /// - Parameter deadline: by when a FIFO must have reached its end.
  /// - Throws: `FileError` with the system's reason; `EFBIG` if the file is larger than `limit` bytes,
  ///   `ETIMEDOUT` if the deadline passes.
  package static func readFile(
    _ path: String, limit: Int, deadline: Deadline? = nil
  ) throws(FileError) -> [UInt8] {
    // To open a FIFO without a writer blocks.
    let flags = O_RDONLY | O_CLOEXEC | (deadline == nil ? 0 : O_NONBLOCK)
    let descriptor = open(path, flags)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    defer { close(descriptor) }
    return try readAll(descriptor, of: path, limit: limit, deadline: deadline)
  }

  /// Reads an open file to its end; with a deadline it is open without blocking.
  static func readAll(
    _ descriptor: Int32, of path: String, limit: Int, deadline: Deadline?
  ) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    let chunkBytes = 64 * 1_024
    while true {
      if let deadline, !isReadable(descriptor, by: deadline) {
        throw FileError(path: path, code: ETIMEDOUT)
      }
      var chunk = [UInt8](repeating: 0, count: chunkBytes)
      let count = read(descriptor, &chunk, chunkBytes)
      if count < 0 {
        if errno == EINTR || (errno == EAGAIN && deadline != nil) { continue }
        throw FileError(path: path, code: errno)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk.prefix(count))
      guard bytes.count <= limit else { throw FileError(path: path, code: EFBIG) }
    }
  }

  private static func isReadable(_ descriptor: Int32, by deadline: Deadline) -> Bool {
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let count = poll(&entry, 1, Int32(clamping: deadline.remainingMilliseconds))
      // The read that follows says what is wrong.
      if count > 0 || (count < 0 && errno != EINTR) { return true }
      if deadline.hasPassed { return false }
    }
  }

  /// Replaces a file atomically: a reader sees the old content or the new content, never a part.
  ///
  /// The new file is written under a name that nobody can predict, and belongs to this user only. A
  /// symbolic link at `path` is an error, and so is a device or another thing that is no file.
  package static func replaceFile(
    _ path: String, with bytes: [UInt8], mode: mode_t = 0o600
  ) throws(FileError) {
    var old = stat()
    if lstat(path, &old) == 0 {
      if old.st_mode & S_IFMT == S_IFLNK { throw .link(path) }
      guard old.st_mode & S_IFMT == S_IFREG else {
        throw FileError(path: path, refusal: "is not a regular file; use another path")
      }
    }
    let number = UInt64.random(in: .min ... .max)
    let temporary = "\(path).\(String(number, radix: 16)).new"
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = open(temporary, flags, mode)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    let failure = writeAll(bytes, to: descriptor)
    let syncFailure = failure == 0 && fsync(descriptor) != 0 ? errno : failure
    close(descriptor)
    guard syncFailure == 0, rename(temporary, path) == 0 else {
      let code = syncFailure == 0 ? errno : syncFailure
      unlink(temporary)
      throw FileError(path: path, code: code)
    }
    syncDirectory(of: path)
  }

  /// Makes a rename durable. Otherwise a crash of the machine may restore the old file.
  private static func syncDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// A file that cannot be read or written.
package struct FileError: Error, Sendable, CustomStringConvertible {
  package var path: String
  /// The system's errno; EPERM for a file that the host refuses.
  package var code: Int32
  /// Why the host refuses the file. A predicate; the subject is the file.
  private var refusal: String?

  package init(path: String, code: Int32) {
    self.path = path
    self.code = code
  }

  init(path: String, refusal: String) {
    self.init(path: path, code: EPERM)
    self.refusal = refusal
  }

  package static func link(_ path: String) -> FileError {
    FileError(
      path: path,
      refusal: "is a symbolic link, which the host does not write through; use the file's own path")
  }

  /// Whether the host refuses the file, although the system allows it.
  package var isRefusal: Bool { refusal != nil }

  package var reason: String { refusal ?? String(cString: strerror(code)) }
  package var description: String { refusal.map { "\(path) \($0)" } ?? "\(path): \(reason)" }
}
