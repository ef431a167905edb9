import Basics
import Glibc
import Synchronization

/// Files that commands take and produce, with their digests.
///
/// A directory of the store's own, private to its user, which any number of processes may share. A
/// file is there whole or not at all: its content and its record are written under other names and
/// renamed, the record last. Everything blocks while it reads and writes.
package final class FileStore: Sendable {
  /// Bytes of one file at most.
  package static let maximumFileBytes = 256 * 1_024 * 1_024
  /// Bytes of a name at most; of a longer one the start and the extension are kept.
  package static let maximumNameBytes = 4_096
  /// Bytes that are copied at a time.
  private static let copyBytes = 256 * 1_024

  private enum Stage {
    case unused
    case open(StoreDirectory)
    case closed
  }

  private struct State {
    var stage = Stage.unused
    var lastCreatedNanoseconds: Int64 = 0
    var protectedPaths: Set<String> = []
  }

  /// Nil for one that is made when it is first needed.
  private let persistent: StoreDirectory?
  /// Where that is made; nil for a temporary one.
  private let laterPath: String?
  private let maximumFileBytes: Int
  private let state = Mutex(State())

  /// - Parameter path: the directory, made where it is missing; nil for a temporary one, which
  ///   `close` removes.
  /// - Throws: when it is no directory or cannot be written.
  package init(
    directory path: String? = nil, maximumFileBytes: Int = FileStore.maximumFileBytes
  ) throws(FileError) {
    self.maximumFileBytes = maximumFileBytes
    laterPath = nil
    guard let path else {
      persistent = nil
      return
    }
    persistent = try Self.made(path)
  }

  private static func made(_ path: String) throws(FileError) -> StoreDirectory {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw FileError(path: path, code: errno)
    }
    return try StoreDirectory(path)
  }

  /// - Parameter path: a directory that is kept, and made, where it is missing, when a file is first
  ///   put.
  package init(madeWhenNeeded path: String) {
    maximumFileBytes = Self.maximumFileBytes
    persistent = nil
    laterPath = path
  }

  /// Whether others than the user can see the names of the files. Their contents they never can.
  package var isOpenToOthers: Bool { persistent?.isOpenToOthers ?? false }

  /// Removes a temporary directory. Nothing can be put any more.
  package func close() {
    let stage = state.withLock { state in
      defer { state.stage = .closed }
      return state.stage
    }
    if persistent == nil, laterPath == nil, case .open(let directory) = stage {
      directory.removeAll()
    }
  }

  /// - Parameter makes: whether it is made where there is none yet.
  private func directory(makes: Bool) throws(FileStoreError) -> StoreDirectory? {
    try state.withLock { state throws(FileStoreError) -> StoreDirectory? in
      switch state.stage {
      case .open(let directory): return directory
      case .closed: throw .unavailable(FileError(path: "store", code: ESHUTDOWN))
      case .unused:
        guard makes || persistent != nil else { return nil }
        let directory = try Self.storage { () throws(FileError) in
          if let persistent { return persistent }
          if let laterPath { return try Self.made(laterPath) }
          return try TemporaryDirectory.make()
        }
        Leftovers.remove(from: directory)
        state.stage = .open(directory)
        return directory
      }
    }
  }

  private static func storage<Value>(
    _ body: () throws(FileError) -> Value
  ) throws(FileStoreError) -> Value {
    do throws(FileError) {
      return try body()
    } catch {
      throw .unavailable(error)
    }
  }

  // MARK: Putting

  /// Stores a content.
  ///
  /// - Parameters:
  ///   - name: any; it is kept as it is, and made harmless for the disk.
  ///   - contentType: nil, or what is no media type, for the one that the extension stands for.
  /// - Throws: `tooLarge`, `unavailable`.
  package func put(
    name: String, content: [UInt8], contentType: String?, source: FileSource
  ) throws(FileStoreError) -> StoredFile {
    try put(name, contentType, source) { writer throws(FileStoreError) in
      // A closure that throws a type of its own would be inferred to throw any.
      let outcome = content.withUnsafeBytes { bytes in
        Result { () throws(FileStoreError) in try writer.append(bytes) }
      }
      try outcome.get()
    }
  }

  /// Stores a copy of a file.
  ///
  /// - Parameters:
  ///   - path: a regular file, or a symbolic link to one.
  ///   - name: nil for the last part of the path.
  ///   - isCancelled: asked between pieces.
  /// - Throws: `unreadable`, `tooLarge`, `cancelled`, `unavailable`.
  package func put(
    contentsOf path: String, name: String? = nil, contentType: String?, source: FileSource,
    isCancelled: () -> Bool = { false }
  ) throws(FileStoreError) -> StoredFile {
    let original = try open(path)
    let lastPart = path.split(separator: "/").last.map(String.init)
    return try put(name ?? lastPart ?? path, contentType, source) {
      writer throws(FileStoreError) in
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Self.copyBytes, alignment: 64)
      defer { buffer.deallocate() }
      var offset = 0
      while true {
        if isCancelled() { throw .cancelled }
        let count: Int
        do throws(FileError) {
          count = try original.read(into: buffer, at: offset)
        } catch {
          throw .unreadable(error)
        }
        if count == 0 { return }
        try writer.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        offset += count
      }
    }
  }

  private func open(_ path: String) throws(FileStoreError) -> OpenFile {
    // Without waiting, should it be a pipe.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(FileError(path: path, code: errno)) }
    let file = OpenFile(descriptor)
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(FileError(path: path, code: errno))
    }
    if isProtected(status) {
      throw FileStoreError(kind: .unreadable, reason: "is not for callers of this host")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .unreadable(FileError(path: path, code: EISDIR))
    default: throw FileStoreError(kind: .unreadable, reason: "is not a regular file")
    }
    guard status.st_size <= maximumFileBytes else {
      throw .tooLarge(maximumBytes: maximumFileBytes)
    }
    return file
  }

  /// Callers may have any file of the user's stored, but for this one, which holds secrets.
  package func protect(_ path: String) { state.withLock { _ = $0.protectedPaths.insert(path) } }

  /// Whether it is such a file, under whatever name, or tells of this process (proc(5), sysfs(5)).
  private func isProtected(_ status: stat) -> Bool {
    let root = Self.device(of: "/")
    for mount in Self.kernelMounts {
      if let device = Self.device(of: mount), device == status.st_dev, device != root {
        return true
      }
    }
    return state.withLock { $0.protectedPaths }.contains { path in
      var other = Glibc.stat()
      return stat(path, &other) == 0 && other.st_dev == status.st_dev
        && other.st_ino == status.st_ino
    }
  }

  private static let kernelMounts = ["/proc", "/sys"]

  private static func device(of path: String) -> dev_t? {
    var status = Glibc.stat()
    return stat(path, &status) == 0 ? status.st_dev : nil
  }

  private func put(
    _ name: String, _ contentType: String?, _ source: FileSource,
    _ fill: (inout FileWriter) throws(FileStoreError) -> Void
  ) throws(FileStoreError) -> StoredFile {
    guard let directory = try directory(makes: true) else { preconditionFailure("not made") }
    let id = FileID.random()
    let contentName = FileRecord.contentName(id, name)
    do throws(FileStoreError) {
      var writer = try FileWriter(
        FileRecord.unfinishedContentName(id), in: directory, maximumBytes: maximumFileBytes)
      try fill(&writer)
      let content = try writer.finish(durably: persistent != nil)
      let file = StoredFile(
        id: id, name: FileName.cut(name, maximumBytes: Self.maximumNameBytes),
        size: content.size,
        contentType: contentType.flatMap { ContentType.isValid($0) ? $0 : nil }
          ?? ContentType.ofName(name),
        md5: content.md5, sha1: content.sha1, sha256: content.sha256, source: source,
        createdNanoseconds: nextTime(), path: "\(directory.path)/\(contentName)")
      try Self.storage { () throws(FileError) in
        try directory.rename(FileRecord.unfinishedContentName(id), to: contentName)
        try write(FileRecord(contentName: contentName, file: file), in: directory)
      }
      return file
    } catch {
      for name in [
        FileRecord.name(id), FileRecord.unfinishedName(id), contentName,
        FileRecord.unfinishedContentName(id),
      ] {
        _ = try? directory.remove(name)
      }
      throw error
    }
  }

  private func write(_ record: FileRecord, in directory: StoreDirectory) throws(FileError) {
    let id = record.file.id
    let file = try directory.create(FileRecord.unfinishedName(id))
    let error = FileDescriptor.writeAll(record.text, to: file.descriptor)
    guard error == 0 else { throw FileError(path: FileRecord.name(id), code: error) }
    if persistent != nil { try file.sync() }
    try directory.rename(FileRecord.unfinishedName(id), to: FileRecord.name(id))
    if persistent != nil { try directory.sync() }
  }

  /// Now, and later than before: the order in which files were put is that of these times.
  private func nextTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    return state.withLock { state in
      state.lastCreatedNanoseconds = max(now, state.lastCreatedNanoseconds + 1)
      return state.lastCreatedNanoseconds
    }
  }

  // MARK: Looking

  /// The file of that id, or nil; also for what cannot be an id.
  package func find(_ id: String) throws(FileStoreError) -> StoredFile? {
    try record(id)?.file
  }

  private func record(_ id: String) throws(FileStoreError) -> FileRecord? {
    guard FileID.isValid(id), let directory = try directory(makes: false) else { return nil }
    return try Self.storage { () throws(FileError) in
      try FileRecord.read(id, in: directory)
    }
  }

  /// The files, the newest last. Reads the record of each one.
  ///
  /// - Parameters:
  ///   - position: only those that come after it.
  ///   - limit: that many at most.
  package func list(
    after position: FilePosition? = nil, limit: Int = .max
  ) throws(FileStoreError) -> [StoredFile] {
    guard let directory = try directory(makes: false) else { return [] }
    var files: [StoredFile] = []
    for name in try Self.storage({ () throws(FileError) in try directory.names() }) {
      guard let part = FileRecord.Part(name), part.kind == .record,
        let file = try find(part.id)
      else { continue }
      if let position, file.position <= position { continue }
      files.append(file)
    }
    files.sort { $0.position < $1.position }
    return Array(files.prefix(limit))
  }

  /// A piece of a file.
  package struct Piece: Sendable {
    package let file: StoredFile
    package let offset: Int
    package let bytes: [UInt8]

    package var isLast: Bool { offset + bytes.count >= file.size }
  }

  /// Reads from `offset` on, `length` bytes or up to the end of the file.
  ///
  /// - Throws: `unknownFile`; `beyondEnd` for an offset that is larger than the file (at its end
  ///   there is a piece without bytes); `unavailable`.
  package func read(
    _ id: String, offset: Int = 0, length: Int = .max
  ) throws(FileStoreError) -> Piece {
    precondition(offset >= 0 && length >= 0, "a piece of less than nothing")
    guard let record = try record(id), let directory = try directory(makes: false) else {
      throw .unknownFile
    }
    let size = record.file.size
    guard offset <= size else { throw .beyondEnd(size: size) }
    do throws(FileError) {
      let content = try directory.open(record.contentName)
      let bytes = try [UInt8](readingUpTo: min(length, size - offset)) {
        buffer throws(FileError) in
        try content.read(into: buffer, at: offset)
      }
      return Piece(file: record.file, offset: offset, bytes: bytes)
    } catch {
      // Removed since it was found.
      throw error.code == ENOENT ? .unknownFile : .unavailable(error)
    }
  }

  /// - Returns: whether there was such a file.
  package func remove(_ id: String) throws(FileStoreError) -> Bool {
    guard FileID.isValid(id), let directory = try directory(makes: false) else { return false }
    let content = try record(id)?.contentName
    return try Self.storage { () throws(FileError) in
      // The record first: without it the file is gone, whatever happens next.
      let wasThere = try directory.remove(FileRecord.name(id))
      if let content { try directory.remove(content) }
      return wasThere && content != nil
    }
  }
}
