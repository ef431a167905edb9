import Basics
import FileStore
import HTTP
import Synchronization

/// The body of a response that is stored while it arrives. Memory holds two pieces of it.
///
/// Set it as the `bodySink` of a request; `Invocation.store` finishes it. Otherwise it is removed.
public final class FileDownload: BodySink {
  /// What is hashed and written at once, in bytes.
  private static let pieceBytes = 512 * 1_024

  private struct State {
    /// The piece that arrives.
    var piece: [UInt8] = []
    /// Memory for the next piece.
    var spare: [UInt8] = []
    /// Whether the piece is the first one of a body.
    var isFirst = true
    var isWriting = false
    /// Whether the whole body has arrived.
    var isComplete = false
    /// Called when there is room.
    var resume: (@Sendable () -> Void)?

    var isWritten: Bool { isComplete && !isWriting && !isFirst && piece.isEmpty }

    /// - Returns: whether the caller must start a job that writes the piece.
    mutating func startsWriting() -> Bool {
      guard !isWriting, piece.count >= FileDownload.pieceBytes || isComplete && !isWritten else {
        return false
      }
      isWriting = true
      return true
    }

    mutating func takePiece() -> (bytes: [UInt8], isFirst: Bool) {
      defer {
        piece = spare
        (spare, isFirst) = ([], false)
      }
      return (piece, isFirst)
    }
  }

  private let files: FileStore
  private let target = Target()
  private let state = Mutex(State())
  /// Signalled when a complete body is written.
  private let written = Latch()

  init(in files: FileStore) { self.files = files }

  deinit {
    // Removing a file blocks.
    let target = target
    if target.isOpen { BlockingWork.files.submit { target.remove() } }
  }

  // MARK: Receiving

  public func start() {
    state.withLock { state in
      state.piece.removeAll(keepingCapacity: true)
      state.isFirst = true
    }
  }

  public func receive(
    _ bytes: UnsafeRawBufferPointer, orElse resume: @escaping @Sendable () -> Void
  ) -> Bool {
    let (isReceived, startsWriting) = state.withLock { state -> (Bool, Bool) in
      guard state.piece.count < Self.pieceBytes else {
        state.resume = resume
        return (false, false)
      }
      state.piece.append(contentsOf: bytes)
      return (true, state.startsWriting())
    }
    if startsWriting { startWriting() }
    return isReceived
  }

  private func startWriting() {
    BlockingWork.files.submit { [self] in
      var (piece, isFirst) = state.withLock { $0.takePiece() }
      state.withLock { $0.resume.take() }?()
      target.write(piece, isFirst: isFirst, in: files)
      piece.removeAll(keepingCapacity: true)
      let (continues, isWritten) = state.withLock { state in
        state.spare = piece
        state.isWriting = false
        return (state.startsWriting(), state.isWritten)
      }
      if continues { startWriting() }
      if isWritten { written.signal() }
    }
  }

  // MARK: Finishing

  /// Waits until the body is written. It must have arrived completely.
  ///
  /// - Returns: false after the deadline or a cancellation.
  func complete(until deadline: Deadline) async -> Bool {
    let (startsWriting, isWritten) = state.withLock { state in
      state.isComplete = true
      return (state.startsWriting(), state.isWritten)
    }
    if isWritten { return true }
    if startsWriting { startWriting() }
    return await written.wait(until: deadline)
  }

  /// See `UnfinishedFile.ends`. Blocks.
  func ends(
    first: Int, last: Int
  ) throws(FileStoreError) -> (first: [UInt8], last: [UInt8]) {
    try target.ends(first: first, last: last)
  }

  /// See `UnfinishedFile.finish`. Blocks.
  func finish(
    name: String, contentType: String, source: FileSource
  ) throws(FileStoreError) -> StoredFile {
    try target.finish(name: name, contentType: contentType, source: source)
  }

  // MARK: The file

  /// The file on disk. All operations block.
  private final class Target: @unchecked Sendable {
    // @unchecked: one job at a time writes it, and others access it when all is written.
    private var file: UnfinishedFile?
    private var failure: FileStoreError?

    var isOpen: Bool { file != nil }

    func remove() { file = nil }

    /// A failure is thrown later, by the operation that needs the file.
    func write(_ piece: [UInt8], isFirst: Bool, in files: FileStore) {
      do throws(FileStoreError) {
        if isFirst {
          failure = nil
          file = nil
          file = try files.begin()
        }
        let outcome = piece.withUnsafeBytes { bytes in
          Result { () throws(FileStoreError) in try file?.append(bytes) }
        }
        _ = try outcome.get()
      } catch {
        file = nil
        failure = error
      }
    }

    func ends(first: Int, last: Int) throws(FileStoreError) -> (first: [UInt8], last: [UInt8]) {
      if let failure { throw failure }
      return try file?.ends(first: first, last: last) ?? ([], [])
    }

    func finish(
      name: String, contentType: String, source: FileSource
    ) throws(FileStoreError) -> StoredFile {
      if let failure { throw failure }
      guard let file = file.take() else { preconditionFailure("a download that has not started") }
      return try file.finish(name: name, contentType: contentType, source: source)
    }
  }
}
