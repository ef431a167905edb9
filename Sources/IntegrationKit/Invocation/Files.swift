import Basics
import Delivery
import FileStore

/// Files that a command takes and produces, read and written in blocking work.
extension Invocation {
  /// Keeps what a command produced.
  public func store(
    _ content: [UInt8], name: String, contentType: String
  ) async throws(CommandError) -> StoredFile {
    let name = redacted(name)
    return try await onFiles("The file \(name)") { files throws(FileStoreError) in
      try files.put(name: name, content: content, contentType: contentType, source: .playbookFile)
    }
  }

  /// The vendor chose the name; what it echoes of a secret must not reach the disk.
  private func redacted(_ name: String) -> String {
    String(decoding: connection.secrets.redact(Array(name.utf8)), as: UTF8.self)
  }

  // MARK: Downloads

  /// A body for a request to store while it arrives.
  public func download() -> FileDownload { FileDownload(in: connection.files) }

  /// The first and the last bytes of a body that has arrived, up to that many each.
  public func ends(
    of download: FileDownload, first: Int, last: Int
  ) async throws(CommandError) -> (first: [UInt8], last: [UInt8]) {
    try await onComplete(download, "The download") { () throws(FileStoreError) in
      try download.ends(first: first, last: last)
    }
  }

  /// Keeps a body that has arrived.
  public func store(
    _ download: FileDownload, name: String, contentType: String
  ) async throws(CommandError) -> StoredFile {
    let name = redacted(name)
    return try await onComplete(download, "The file \(name)") { () throws(FileStoreError) in
      try download.finish(name: name, contentType: contentType, source: .playbookFile)
    }
  }

  private func onComplete<Value: Sendable>(
    _ download: FileDownload, _ what: String,
    _ work: @escaping @Sendable () throws(FileStoreError) -> Value
  ) async throws(CommandError) -> Value {
    guard await download.complete(until: deadline.current) else {
      throw CommandError(Task.isCancelled ? .cancelled : .deadline, of: what)
    }
    return try await onFiles(what) { _ throws(FileStoreError) in try work() }
  }

  // MARK: Reading

  /// The file of that id, without its content; nil where there is none.
  public func file(_ id: String) async throws(CommandError) -> StoredFile? {
    try await onFiles("The file \(id)") { files throws(FileStoreError) in try files.find(id) }
  }

  /// The whole content of a file.
  public func content(of file: StoredFile) async throws(CommandError) -> [UInt8] {
    try await onFiles("The file \(file.id)") { files throws(FileStoreError) in
      try files.read(file.id).bytes
    }
  }

  private func onFiles<Value: Sendable>(
    _ what: String, _ work: @escaping @Sendable (FileStore) throws(FileStoreError) -> Value
  ) async throws(CommandError) -> Value {
    let files = connection.files
    let outcome: Result<Value, FileStoreError>
    do throws(BlockingWork.Interruption) {
      outcome = try await BlockingWork.files.run(until: deadline.current) {
        Result { () throws(FileStoreError) in try work(files) }
      }
    } catch {
      throw CommandError(error, of: what)
    }
    do throws(FileStoreError) {
      return try outcome.get()
    } catch {
      throw CommandError(error, of: what)
    }
  }
}

extension CommandError {
  /// The failure of a command that needed the file.
  ///
  /// - Parameter what: what was asked for, such as `The file 4711`.
  package init(_ error: FileStoreError, of what: String) {
    switch error.kind {
    case .unknownFile: self.init(.notFound, "\(what) \(error.reason).")
    case .tooLarge, .beyondEnd, .unreadable: self.init(.validation, "\(what) \(error.reason).")
    case .forbidden: self.init(.policy, "\(what) \(error.reason).")
    case .cancelled: self = .cancelled(outcome: .notApplied)
    case .unavailable:
      self.init(
        .unavailable, error.reason,
        remedy: "Look after the disk, or give another directory with --files-dir.")
    }
  }
}
