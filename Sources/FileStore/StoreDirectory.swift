import Basics
import Glibc

/// The directory of a file store.
///
/// Everything in it is reached through its descriptor and by a plain name; no symbolic link is
/// followed.
final class StoreDirectory: Sendable {
  /// Absolute.
  let path: String
  private let descriptor: Int32

  /// - Throws: when it is no directory, or may not be written.
  init(_ path: String) throws(FileError) {
    descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
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

  deinit { close(descriptor) }

  /// Keeps the directory for this process as long as it is open.
  ///
  /// - Returns: whether no other process has it.
  func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Whether others than the owner can look into it.
  var isOpenToOthers: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & 0o077 != 0
  }

  /// Every name in it, in no order.
  func names() throws(FileError) -> [String] {
    // Opened anew, since a descriptor has one position only.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let stream = fdopendir(own) else { throw FileError(path: path, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // The name is longer or shorter than the array that its declaration says.
      let start = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = String(
        cString: UnsafeRawPointer(entry).advanced(by: start).assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// A new file for writing, which only its owner may read.
  func create(_ name: String) throws(FileError) -> OpenFile {
    try open(name, O_WRONLY | O_CREAT | O_EXCL)
  }

  /// A regular file for reading.
  ///
  /// - Throws: `ENOENT` also for what is there and is no regular file.
  func open(_ name: String) throws(FileError) -> OpenFile {
    // Without waiting, should it be a pipe.
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

  /// The size of a regular file and when it was last written, in seconds since 1970.
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

  /// - Returns: whether it was there.
  @discardableResult
  func remove(_ name: String) throws(FileError) -> Bool {
    if unlinkat(descriptor, name, 0) == 0 { return true }
    guard errno == ENOENT else { throw FileError(path: name, code: errno) }
    return false
  }

  /// Names that were given or taken away last through a power failure.
  func sync() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError(path: path, code: errno) }
  }

  /// Removes the directory and every file in it.
  func removeAll() {
    // Again where a file has come meanwhile, which a directory that is gone takes no more.
    for _ in 0..<100 {
      for name in (try? names()) ?? [] { _ = try? remove(name) }
      if rmdir(path) == 0 || errno != ENOTEMPTY { return }
    }
  }
}

/// A descriptor that is closed with its owner.
struct OpenFile: ~Copyable {
  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Fills `buffer` from `offset` on, as far as the file goes.
  ///
  /// - Returns: how many bytes there were.
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
