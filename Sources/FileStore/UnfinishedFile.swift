import Basics

/// A file of the store that is being written. It is removed unless it is finished.
///
/// All operations block.
package struct UnfinishedFile: ~Copyable {
  private let id = FileID.random()
  private let store: FileStore
  private let directory: StoreDirectory
  /// Nil once the file is finished.
  private var writer: FileWriter?

  init(
    in store: FileStore, _ directory: StoreDirectory, maximumBytes: Int
  ) throws(FileStoreError) {
    let writer = try FileWriter(
      FileRecord.unfinishedContentName(id), in: directory, maximumBytes: maximumBytes)
    (self.store, self.directory) = (store, directory)
    self.writer = consume writer
  }

  deinit {
    if writer != nil { _ = try? directory.remove(FileRecord.unfinishedContentName(id)) }
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileStoreError) {
    try writer?.append(bytes)
  }

  /// The first and the last bytes so far, up to that many each.
  package func ends(
    first: Int, last: Int
  ) throws(FileStoreError) -> (first: [UInt8], last: [UInt8]) {
    do throws(FileError) {
      let name = FileRecord.unfinishedContentName(id)
      let content = try directory.open(name)
      let size = directory.status(of: name)?.size ?? 0
      return (
        try content.bytes(at: 0, upTo: min(first, size)),
        try content.bytes(at: max(0, size - last), upTo: min(last, size))
      )
    } catch {
      throw .unavailable(error)
    }
  }

  /// Makes the file visible.
  ///
  /// - Parameters:
  ///   - name: any text. It is kept as given and sanitized for the disk.
  ///   - contentType: if nil or not a media type, the type is derived from the extension.
  package consuming func finish(
    name: String, contentType: String?, source: FileSource
  ) throws(FileStoreError) -> StoredFile {
    guard let writer = writer.take() else { preconditionFailure("a file that is finished") }
    let contentName = FileRecord.contentName(id, name)
    do throws(FileStoreError) {
      let content = try writer.finish(durably: store.isPersistent)
      let file = StoredFile(
        id: id, name: FileName.truncated(name, maximumBytes: FileStore.maximumNameBytes),
        size: content.size,
        contentType: contentType.flatMap { ContentType.isValid($0) ? $0 : nil }
          ?? ContentType.ofName(name),
        md5: content.md5, sha1: content.sha1, sha256: content.sha256, source: source,
        createdNanoseconds: store.nextTime(), path: "\(directory.path)/\(contentName)")
      do throws(FileError) {
        try directory.rename(FileRecord.unfinishedContentName(id), to: contentName)
        try write(FileRecord(contentName: contentName, file: file))
      } catch {
        throw .unavailable(error)
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

  private borrowing func write(_ record: FileRecord) throws(FileError) {
    let file = try directory.create(FileRecord.unfinishedName(id))
    let error = FileDescriptor.writeAll(record.text, to: file.descriptor)
    guard error == 0 else { throw FileError(path: FileRecord.name(id), code: error) }
    if store.isPersistent { try file.sync() }
    try directory.rename(FileRecord.unfinishedName(id), to: FileRecord.name(id))
    if store.isPersistent { try directory.sync() }
  }
}

extension OpenFile {
  fileprivate borrowing func bytes(at offset: Int, upTo count: Int) throws(FileError) -> [UInt8] {
    try [UInt8](readingUpTo: count) { buffer throws(FileError) in
      try read(into: buffer, at: offset)
    }
  }
}
