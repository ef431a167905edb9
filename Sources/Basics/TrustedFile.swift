import CProcess
import Glibc

/// Opens the files that decide what the host does, that hold its secrets, or that record its actions.
///
/// Other users must not be able to change them. A file or directory is refused if every user can
/// write it, or if it belongs neither to this user nor to root. The same holds for the links to a
/// file that is read. A file that is written is not opened through a link.
package enum TrustedFile {
  /// The number of links that Linux follows.
  private static let maximumLinks = 40

  package struct Content: Sendable {
    package let bytes: [UInt8]
    /// Whether users other than the owner can read the file.
    package let isReadableByOthers: Bool
  }

  /// - Parameter warn: receives a sentence if the group of the file can change it.
  package static func read(
    _ path: String, limit: Int, deadline: Deadline? = nil, warn: (String) -> Void = { _ in }
  ) throws(FileError) -> Content {
    // To open a FIFO without a writer blocks.
    let flags = O_RDONLY | (deadline == nil ? 0 : O_NONBLOCK)
    let (descriptor, isOwnDescriptor) = try open(path, flags, followingTo: path)
    defer { close(descriptor) }
    let status = try status(of: descriptor, path)
    try check(status, path, isOwnDescriptor: isOwnDescriptor, warn: warn)
    return Content(
      bytes: try FileDescriptor.readAll(descriptor, of: path, limit: limit, deadline: deadline),
      isReadableByOthers: status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o044 != 0)
  }

  /// Opens a file for writing, and creates it for this user only if it is missing.
  ///
  /// - Parameters:
  ///   - flags: in addition to `O_CREAT`, `O_CLOEXEC` and `O_NOFOLLOW`. Must not truncate.
  ///   - acceptsStreams: whether links to devices and to descriptors of this process are followed.
  ///   - warn: receives a sentence if the group of the file can change it.
  package static func openForWriting(
    _ path: String, _ flags: Int32, acceptsStreams: Bool = false,
    warn: (String) -> Void = { _ in }
  ) throws(FileError) -> Int32 {
    var descriptor = Glibc.open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    let code = errno
    guard descriptor >= 0 || code == ELOOP else { throw FileError(path: path, code: code) }
    let isLink = descriptor < 0
    var isOwnDescriptor = false
    if isLink {
      guard acceptsStreams else { throw .link(path) }
      do throws(FileError) {
        (descriptor, isOwnDescriptor) = try open(path, flags, followingTo: path)
      } catch {
        throw error.code == ENOENT ? .link(path) : error
      }
    }
    do throws(FileError) {
      let status = try status(of: descriptor, path)
      if isLink, !isOwnDescriptor, status.st_mode & S_IFMT != S_IFCHR { throw .link(path) }
      try check(status, path, isOwnDescriptor: isOwnDescriptor, warn: warn)
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Checks a file that something else opens; not that it exists.
  ///
  /// - Parameter warn: receives a sentence if the group of the file can change it.
  package static func check(
    _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) {
    var current = path
    for _ in 0..<maximumLinks {
      let descriptor = sallyport_open_path(current)
      if descriptor < 0 { return }
      defer { close(descriptor) }
      let status = try status(of: descriptor, path)
      guard status.st_mode & S_IFMT == S_IFLNK else {
        return try check(status, path, isOwnDescriptor: false, warn: warn)
      }
      guard let next = try target(descriptor, status, current, path) else { return }
      current = next
    }
    throw FileError(path: path, code: ELOOP)
  }

  /// - Parameter warn: receives a sentence if the group of the directory can change it.
  package static func checkDirectory(
    _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) {
    close(try openDirectory(path, warn: warn))
  }

  /// Opens a directory for reading.
  package static func openDirectory(
    _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) -> Int32 {
    let (descriptor, _) = try open(path, O_RDONLY | O_DIRECTORY, followingTo: path)
    do throws(FileError) {
      try check(descriptor, path, warn: warn)
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Checks an open file or directory.
  package static func check(
    _ descriptor: Int32, _ path: String, warn: (String) -> Void = { _ in }
  ) throws(FileError) {
    try check(status(of: descriptor, path), path, isOwnDescriptor: false, warn: warn)
  }

  // MARK: Rules

  private static func check(
    _ status: stat, _ path: String, isOwnDescriptor: Bool, warn: (String) -> Void
  ) throws(FileError) {
    let type = status.st_mode & S_IFMT
    // The parent process chose a pipe or terminal of this process.
    if isOwnDescriptor, type != S_IFREG { return }
    guard isOwner(status.st_uid) else {
      throw FileError(
        path: path, refusal: "belongs to user \(status.st_uid), not to this user or root")
    }
    // A device such as /dev/null holds nothing.
    if type == S_IFCHR || type == S_IFBLK { return }
    if status.st_mode & 0o002 != 0 {
      throw FileError(path: path, refusal: "is writable by every user; run chmod o-w on it")
    }
    if status.st_mode & 0o020 != 0 { warn("\(path) is writable by its group; run chmod g-w on it") }
  }

  private static func isOwner(_ user: uid_t) -> Bool { user == geteuid() || user == 0 }

  private static func status(of descriptor: Int32, _ path: String) throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, code: errno) }
    return status
  }

  // MARK: Links

  /// Opens the file that links lead to. Each link is examined before it is followed, and what is
  /// opened in the end is no link.
  private static func open(
    _ path: String, _ flags: Int32, followingTo start: String
  ) throws(FileError) -> (descriptor: Int32, isOwnDescriptor: Bool) {
    var current = start
    for _ in 0..<maximumLinks {
      let descriptor = Glibc.open(current, flags | O_CLOEXEC | O_NOFOLLOW)
      if descriptor >= 0 { return (descriptor, false) }
      let code = errno
      // Linux reports a link as ENOTDIR if it opens only directories.
      guard code == ELOOP || (code == ENOTDIR && flags & O_DIRECTORY != 0) else {
        throw FileError(path: path, code: code)
      }
      let link = sallyport_open_path(current)
      guard link >= 0 else { throw FileError(path: path, code: errno) }
      defer { close(link) }
      let status = try status(of: link, path)
      guard status.st_mode & S_IFMT == S_IFLNK else { throw FileError(path: path, code: code) }
      if let next = try target(link, status, current, path) {
        current = next
        continue
      }
      let own = Glibc.open(current, flags | O_CLOEXEC)
      guard own >= 0 else { throw FileError(path: path, code: errno) }
      return (own, true)
    }
    throw FileError(path: path, code: ELOOP)
  }

  /// Where a link leads to.
  ///
  /// - Returns: nil for a descriptor of this process, which has no path.
  private static func target(
    _ link: Int32, _ status: stat, _ place: String, _ path: String
  ) throws(FileError) -> String? {
    let isOfProc = sallyport_is_of_proc(link) != 0
    guard isOfProc || isOwner(status.st_uid) else {
      throw FileError(
        path: path,
        refusal: "is a symbolic link of user \(status.st_uid), not of this user or root")
    }
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlinkat(link, "", $0, text.count) } ?? 0
      }
    }
    guard count > 0 else { throw FileError(path: path, code: errno) }
    let target = String(decoding: buffer.prefix(count), as: UTF8.self)
    // /proc/self leads to a path, /proc/self/fd/3 to an open file.
    if isOfProc, place.split(separator: "/").dropLast().last == "fd" { return nil }
    if target.hasPrefix("/") { return target }
    let directory = place.lastIndex(of: "/").map { place[...$0] } ?? ""
    return directory + target
  }
}
