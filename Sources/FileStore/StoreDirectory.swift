import Basics
import Glibc

/// The directory of a file store.
///
/// Accessed only through its descriptor and plain names. Symbolic links are not followed.
final class StoreDirectory: Sendable {
  /// An absolute path.
  let path: String
  private let descriptor: Int32

  /// - Throws: if the path is not a directory, is not writable, or if other users can change it (see
  ///   `TrustedFile`).
  init(_ path: String) throws(FileError) {
    descriptor = try TrustedFile.openDirectory(path)
    guard faccessat(descriptor, ".", R_OK | W_OK | X_OK, 0) == 0,
      let absolute = realpath(path, nil)
    else {
      let code = errno
      close(descriptor)
      throw FileError(path: path, code: code)
    }
    self.path = String(cString: absolute)
    free(absolute)
  }

  /// A directory inside another one that belongs to this user only.
  ///
  /// - Returns: nil if it does not exist, is a link, or other users have access.
  init?(_ name: String, in parent: Int32, path: String) {
    descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    self.path = path
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0
    else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Locks the directory for this process until its descriptor is closed.
  ///
  /// - Returns: 0 or an errno: `EWOULDBLOCK` if another process holds the lock.
  func lock() -> Int32 { FileLock.tryLock(descriptor) }

  /// Whether the directory was not removed.
  var exists: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Whether other users can list the directory.
  var isListableByOthers: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & 0o077 != 0
  }

  /// All names in the directory, unordered.
  func names() throws(FileError) -> [String] { try Self.names(in: descriptor, path) }

  static func names(in descriptor: Int32, _ path: String) throws(FileError) -> [String] {
    // A second descriptor, because a descriptor has only one read position.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let stream = fdopendir(own) else { throw FileError(path: path, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // The declared array length of the name is not its real length.
      let start = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = String(
        cString: UnsafeRawPointer(entry).advanced(by: start).assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Creates a file for writing. Only its owner can read it.
  func create(_ name: String) throws(FileError) -> OpenFile {
    try open(name, O_WRONLY | O_CREAT | O_EXCL)
  }

  /// Opens a regular file for reading.
  ///
  /// - Throws: `ENOENT` if there is no regular file with that name.
  func open(_ name: String) throws(FileError) -> OpenFile {
    // Non-blocking, in case it is a pipe.
    let file = try open(name, O_RDONLY | O_NONBLOCK)
    var status = stat()
    guard fstat(file.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: name, code: ENOENT)
    }
    return file
  }

  private func open(_ name: String, _ flags: Int32) throws(FileError) -> OpenFile {
    let file = openat(descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileError(path: name, code: errno == ELOOP ? ENOENT : errno) }
    return OpenFile(file)
  }

  /// The size of a regular file and the time of its last change, in seconds since 1970.
  func status(of name: String) -> (size: Int, written: Int)? {
    var status = stat()
    guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
      status.st_mode & S_IFMT == S_IFREG
    else { return nil }
    return (Int(status.st_size), status.st_mtim.tv_sec)
  }

  func rename(_ old: String, to new: String) throws(FileError) {
    guard renameat(descriptor, old, descriptor, new) == 0 else {
      throw FileError(path: new, code: errno)
    }
  }

  /// - Returns: whether the file existed.
  @discardableResult
  func remove(_ name: String) throws(FileError) -> Bool {
    if unlinkat(descriptor, name, 0) == 0 { return true }
    guard errno == ENOENT else { throw FileError(path: name, code: errno) }
    return false
  }

  /// Makes recent creations, renames and removals durable.
  func sync() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError(path: path, code: errno) }
  }

  /// Removes the directory and all its files.
  func removeAll() {
    // Retry if a file was created in the meantime. After the removal no file can be created.
    for _ in 0..<100 {
      for name in (try? names()) ?? [] { _ = try? remove(name) }
      if rmdir(path) == 0 || errno != ENOTEMPTY { return }
    }
  }
}

/// A descriptor that is closed when its owner is destroyed.
struct OpenFile: ~Copyable {
  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Fills `buffer` from `offset`, up to the end of the file.
  ///
  /// - Returns: the number of bytes read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
    var count = 0
    while count < buffer.count {
      let read = pread(
        descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count, offset + count)
      if read < 0 && errno == EINTR { continue }
      guard read >= 0 else { throw FileError(path: "content", code: errno) }
      if read == 0 { break }
      count += read
    }
    return count
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let error = FileDescriptor.writeAll(bytes, to: descriptor).error
    guard error == 0 else { throw FileError(path: "content", code: error) }
  }

  func sync() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError(path: "content", code: errno) }
  }
}
