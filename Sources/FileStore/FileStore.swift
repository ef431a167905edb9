import Basics
import Glibc
import Synchronization

/// Stores the input and output files of commands, with their digests.
///
/// Uses one directory, private to its user, which any number of processes may share. Files appear
/// atomically: content and record are written under temporary names and renamed, the record last.
/// All operations block.
package final class FileStore: Sendable {
  /// Maximum size of a file in bytes.
  package static let maximumFileBytes = 256 * 1_024 * 1_024
  /// Maximum length of a name in bytes. Longer names keep their start and extension.
  package static let maximumNameBytes = 4_096
  /// Chunk size for copies in bytes.
  private static let copyBytes = 256 * 1_024

  private enum Stage {
    case unused
    case open(StoreDirectory)
    case closed
  }

  private struct State {
    var stage = Stage.unused
    var lastCreatedNanoseconds: Int64 = 0
    /// No set: Swift needs long to make one at the start of each process.
    var protectedPaths: [String] = []
  }

  /// Nil if the directory is created on demand.
  private let persistent: StoreDirectory?
  /// The path of a directory that is created on demand; nil for a temporary directory.
  private let onDemandPath: String?
  private let maximumFileBytes: Int
  private let state = Mutex(State())

  /// - Parameter path: the directory, created if it is missing; nil for a temporary directory,
  ///   which `close` removes.
  /// - Throws: if the path is not a directory or is not writable.
  package init(
    directory path: String? = nil, maximumFileBytes: Int = FileStore.maximumFileBytes
  ) throws(FileError) {
    self.maximumFileBytes = maximumFileBytes
    onDemandPath = nil
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

  /// - Parameter path: a persistent directory. It is created when the first file is stored.
  package init(createdOnDemand path: String) {
    maximumFileBytes = Self.maximumFileBytes
    persistent = nil
    onDemandPath = path
  }

  /// Removes the temporary directories of killed processes. Blocks.
  package static func removeAbandoned() { TemporaryDirectory.removeAbandoned() }

  /// Whether other users can list the names of the files. They can never read the contents.
  package var isListableByOthers: Bool { persistent?.isListableByOthers ?? false }

  /// Removes a temporary directory. Files can no longer be stored.
  package func close() {
    let stage = state.withLock { state in
      defer { state.stage = .closed }
      return state.stage
    }
    if persistent == nil, onDemandPath == nil, case .open(let directory) = stage {
      directory.removeAll()
    }
  }

  /// - Parameter creating: whether to create a missing directory.
  private func directory(creating: Bool) throws(FileStoreError) -> StoreDirectory? {
    try state.withLock { state throws(FileStoreError) -> StoreDirectory? in
      switch state.stage {
      case .open(let directory): return directory
      case .closed: throw .unavailable(FileError(path: "store", code: ESHUTDOWN))
      case .unused:
        guard creating || persistent != nil else { return nil }
        let directory = try Self.storage { () throws(FileError) in
          if let persistent { return persistent }
          if let onDemandPath { return try Self.made(onDemandPath) }
          return try TemporaryDirectory.make()
        }
        StaleFiles.remove(from: directory)
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

  // MARK: Writing

  /// Stores bytes.
  ///
  /// - Parameters:
  ///   - name: any text. It is kept as given and sanitized for the disk.
  ///   - contentType: if nil or not a media type, the type is derived from the extension.
  /// - Throws: `tooLarge`, `unavailable`.
  package func put(
    name: String, content: [UInt8], contentType: String?, source: FileSource
  ) throws(FileStoreError) -> StoredFile {
    try put(name, contentType, source) { writer throws(FileStoreError) in
      // Swift infers `any Error` for a closure with a typed throw.
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
  ///   - directories: the file must be below one of them, also after all links are followed.
  ///   - name: nil for the last component of the path.
  ///   - isCancelled: checked between chunks.
  /// - Throws: `forbidden`, `unreadable`, `tooLarge`, `cancelled`, `unavailable`.
  package func put(
    contentsOf path: String, below directories: [ReadableDirectory], name: String? = nil,
    contentType: String?, source: FileSource, isCancelled: () -> Bool = { false }
  ) throws(FileStoreError) -> StoredFile {
    let original = try open(path, below: directories)
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

  private func open(
    _ path: String, below directories: [ReadableDirectory]
  ) throws(FileStoreError) -> OpenFile {
    let found = try find(path, below: directories)
    // Before it is opened: a FIFO or a device is not touched.
    try check(found)
    do throws(ReadableDirectory.Failure) {
      if let file = try found.open() { return file }
    } catch {
      throw .unreadable(error, path)
    }
    throw FileStoreError(kind: .unreadable, reason: "was replaced while it was opened")
  }

  private func find(
    _ path: String, below directories: [ReadableDirectory]
  ) throws(FileStoreError) -> FoundFile {
    var failure = ReadableDirectory.Failure.outside
    for directory in directories {
      do throws(ReadableDirectory.Failure) {
        return try directory.find(path)
      } catch {
        // That a file is missing below one directory says more than that it is not below another.
        if case .system = error { failure = error }
      }
    }
    throw .unreadable(failure, path)
  }

  private func check(_ file: borrowing FoundFile) throws(FileStoreError) {
    let status = file.status
    // Of the file, not of its directory: a single file may be mounted there.
    if FileSystem.isOfKernel(file.entry.descriptor) || isProtected(status) {
      throw FileStoreError(kind: .unreadable, reason: "is protected and cannot be stored")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .unreadable(FileError(path: "", code: EISDIR))
    default: throw FileStoreError(kind: .unreadable, reason: "is not a regular file")
    }
    guard status.st_size <= maximumFileBytes else {
      throw .tooLarge(maximumBytes: maximumFileBytes)
    }
  }

  /// Excludes a file from being stored, because it contains secrets. All other files of the user
  /// are allowed.
  package func protect(_ path: String) {
    state.withLock { state in
      if !state.protectedPaths.contains(path) { state.protectedPaths.append(path) }
    }
  }

  /// Whether the file is protected under any name.
  private func isProtected(_ status: stat) -> Bool {
    state.withLock { $0.protectedPaths }.contains { path in
      var other = Glibc.stat()
      return stat(path, &other) == 0 && other.st_dev == status.st_dev
        && other.st_ino == status.st_ino
    }
  }

  private func put(
    _ name: String, _ contentType: String?, _ source: FileSource,
    _ fill: (inout UnfinishedFile) throws(FileStoreError) -> Void
  ) throws(FileStoreError) -> StoredFile {
    var file = try begin()
    try fill(&file)
    return try file.finish(name: name, contentType: contentType, source: source)
  }

  /// Starts a file. It is removed unless it is finished.
  package func begin() throws(FileStoreError) -> UnfinishedFile {
    guard let directory = try directory(creating: true) else {
      preconditionFailure("the directory was not created")
    }
    return try UnfinishedFile(in: self, directory, maximumBytes: maximumFileBytes)
  }

  /// Whether files outlive the host.
  var isPersistent: Bool { persistent != nil }

  /// The current time, but later than every earlier result: it defines the order of files.
  func nextTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    return state.withLock { state in
      state.lastCreatedNanoseconds = max(now, state.lastCreatedNanoseconds + 1)
      return state.lastCreatedNanoseconds
    }
  }

  // MARK: Reading

  /// The file with that id; nil if it is unknown or not a valid id.
  package func find(_ id: String) throws(FileStoreError) -> StoredFile? {
    try record(id)?.file
  }

  private func record(_ id: String) throws(FileStoreError) -> FileRecord? {
    guard FileID.isValid(id), let directory = try directory(creating: false) else { return nil }
    return try Self.storage { () throws(FileError) in
      try FileRecord.read(id, in: directory)
    }
  }

  /// The files in order of creation. Reads the record of each file.
  ///
  /// - Parameters:
  ///   - position: returns only files after this position.
  ///   - limit: maximum number of files.
  package func list(
    after position: FilePosition? = nil, limit: Int = .max
  ) throws(FileStoreError) -> [StoredFile] {
    guard let directory = try directory(creating: false) else { return [] }
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

  /// A chunk of a file.
  package struct Chunk: Sendable {
    package let file: StoredFile
    package let offset: Int
    package let bytes: [UInt8]

    package var isLast: Bool { offset + bytes.count >= file.size }
  }

  /// Reads `length` bytes from `offset`, or up to the end of the file.
  ///
  /// - Throws: `unknownFile`; `beyondEnd` if the offset is larger than the file (at the end, the
  ///   chunk is empty); `unavailable`.
  package func read(
    _ id: String, offset: Int = 0, length: Int = .max
  ) throws(FileStoreError) -> Chunk {
    precondition(offset >= 0 && length >= 0, "negative offset or length")
    guard let record = try record(id), let directory = try directory(creating: false) else {
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
      return Chunk(file: record.file, offset: offset, bytes: bytes)
    } catch {
      // Removed after the lookup.
      throw error.code == ENOENT ? .unknownFile : .unavailable(error)
    }
  }

  /// - Returns: whether the file existed.
  package func remove(_ id: String) throws(FileStoreError) -> Bool {
    guard FileID.isValid(id), let directory = try directory(creating: false) else { return false }
    let content = try record(id)?.contentName
    return try Self.storage { () throws(FileError) in
      // The record first: without a record the file does not exist.
      let wasThere = try directory.remove(FileRecord.name(id))
      if let content { try directory.remove(content) }
      return wasThere && content != nil
    }
  }
}
