import Basics
import Glibc

/// A directory below which a caller may name files to copy.
///
/// The path of a caller is resolved one component at a time, from the descriptor of the component
/// before, and links are resolved here rather than by the kernel. So the file is below the directory
/// that was opened at the start, whatever others rename or link meanwhile.
package final class ReadableDirectory: Sendable {
  /// Bytes, because a slash and a combining mark are one character of a String.
  private typealias Name = [UInt8]

  private static let maximumLinks = 40
  private static let slash = UInt8(ascii: "/")
  private static let parent = Array("..".utf8)

  /// As given.
  package let path: String
  /// The components of its absolute path, as given and without symbolic links.
  private let names: [[Name]]
  private let descriptor: Int32

  /// - Throws: if the path is not a directory.
  package init(_ path: String) throws(FileError) {
    descriptor = Glibc.open(path, __O_PATH | O_CLOEXEC | O_DIRECTORY)
    guard descriptor >= 0, let canonical = realpath(path, nil) else {
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      throw FileError(path: path, code: code)
    }
    defer { free(canonical) }
    self.path = path
    names = [Self.absolute(path), String(cString: canonical)].map(Self.components)
  }

  deinit { close(descriptor) }

  /// With O_PATH a FIFO or a device is not opened.
  private static let asPlace = __O_PATH | O_CLOEXEC | O_NOFOLLOW

  private static func absolute(_ path: String) -> String {
    guard path.utf8.first != slash, let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return "\(String(cString: directory))/\(path)"
  }

  private static func components(_ path: String) -> [Name] {
    path.utf8.split(separator: slash).map(Array.init).filter { $0 != Array(".".utf8) }
  }

  /// The components of an absolute path relative to this directory; nil if it lies elsewhere.
  private func components(below path: String) -> [Name]? {
    let all = Self.components(path)
    return names.first { all.starts(with: $0) }.map { Array(all.dropFirst($0.count)) }
  }

  // MARK: Finding

  /// Why a path names no file.
  enum Failure: Error {
    /// It leads out of the directory, whether or not there is a file.
    case outside
    case system(Int32)
  }

  /// Finds a file by its path, absolute or relative to the working directory of the process.
  func find(_ path: String) throws(Failure) -> FoundFile {
    guard let names = components(below: Self.absolute(path)) else { throw .outside }
    var walk = Walk(from: try Self.open(".", in: descriptor), to: names)
    while let name = walk.rest.popLast() {
      if let found = try step(name, &walk) { return found }
    }
    throw .system(EISDIR)
  }

  /// The state while a path is resolved.
  private struct Walk: ~Copyable {
    var place: OpenFile
    /// The directories above `place`, up to this one: how `..` is checked without their descriptors.
    var above: [Identity] = []
    /// The components that follow, the next one last.
    var rest: [Name]
    var links = 0

    init(from place: consuming OpenFile, to names: [Name]) {
      self.place = place
      rest = names.reversed()
    }
  }

  /// - Returns: the file, or nil after a directory or a link.
  private func step(_ bytes: Name, _ walk: inout Walk) throws(Failure) -> FoundFile? {
    if bytes == Self.parent {
      try leave(&walk)
      return nil
    }
    let name = String(decoding: bytes, as: UTF8.self)
    let entry = try Self.open(name, in: walk.place.descriptor)
    let status = try Self.status(of: entry)
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      walk.above.append(Identity(try Self.status(of: walk.place)))
      walk.place = entry
      return nil
    case S_IFLNK:
      try follow(entry, &walk)
      return nil
    default:
      guard walk.rest.isEmpty else { throw .system(ENOTDIR) }
      return FoundFile(
        entry: entry, status: status, name: name,
        directory: try Self.open(".", in: walk.place.descriptor))
    }
  }

  private func leave(_ walk: inout Walk) throws(Failure) {
    guard let parent = walk.above.popLast() else { throw .outside }
    let place = try Self.open("..", in: walk.place.descriptor)
    // Moved meanwhile, perhaps to a place outside.
    guard Identity(try Self.status(of: place)) == parent else { throw .outside }
    walk.place = place
  }

  private func follow(_ link: borrowing OpenFile, _ walk: inout Walk) throws(Failure) {
    walk.links += 1
    guard walk.links <= Self.maximumLinks else { throw .system(ELOOP) }
    let target = try Self.target(of: link)
    if target.utf8.first == Self.slash {
      guard let names = components(below: target) else { throw .outside }
      walk.place = try Self.open(".", in: descriptor)
      walk.above = []
      walk.rest += names.reversed()
    } else {
      walk.rest += Self.components(target).reversed()
    }
  }

  private static func open(_ name: String, in place: Int32) throws(Failure) -> OpenFile {
    let descriptor = openat(place, name, asPlace)
    guard descriptor >= 0 else { throw .system(errno) }
    return OpenFile(descriptor)
  }

  private static func status(of file: borrowing OpenFile) throws(Failure) -> stat {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { throw .system(errno) }
    return status
  }

  private static func target(of link: borrowing OpenFile) throws(Failure) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlinkat(link.descriptor, "", $0.bindMemory(to: CChar.self).baseAddress!, $0.count)
    }
    guard count >= 0 else { throw .system(errno) }
    guard count < buffer.count else { throw .system(ENAMETOOLONG) }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}

/// What a file is, apart from its names.
struct Identity: Equatable {
  private let device: dev_t
  private let number: ino_t

  init(_ status: stat) {
    device = status.st_dev
    number = status.st_ino
  }
}

/// A file below a `ReadableDirectory` that is not open yet.
struct FoundFile: ~Copyable {
  /// Opened with O_PATH.
  let entry: OpenFile
  let status: stat
  let name: String
  let directory: OpenFile

  /// Opens the file for reading.
  ///
  /// - Returns: nil if another file has its name now.
  func open() throws(ReadableDirectory.Failure) -> OpenFile? {
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let descriptor = openat(directory.descriptor, name, flags)
    guard descriptor >= 0 else { throw .system(errno) }
    let file = OpenFile(descriptor)
    var now = stat()
    guard fstat(descriptor, &now) == 0 else { throw .system(errno) }
    guard Identity(now) == Identity(status) else { return nil }
    return file
  }
}
