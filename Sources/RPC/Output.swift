import Basics
import Glibc

/// Writes all frames to the output, one sender or the output thread at a time.
///
/// A sender writes its frame itself if nothing is pending and the system takes it at once; that saves
/// the two wakes of a thread. Otherwise it appends the frame to the queue and continues, and the thread
/// writes the whole queue in one call. So frames are never interleaved, no sender blocks, and the
/// busier the host, the fewer system calls per frame.
final class Output: Sendable {
  /// When the queue has more bytes, senders that can wait do so.
  static let maximumPendingBytes = 4 * 1_024 * 1_024

  /// Larger lines are left to the thread, so that a sender of many goes on while they are written.
  private static let maximumDirectBytes = 64 * 1_024

  private struct State {
    var pending = PendingLines()
    /// What to release when the pending frames are written.
    var release = InFlightLimit.Release()
    /// The thread or a sender writes.
    var isWriting = false
    /// Whether the system can write to this output without waiting. False after it refused.
    var allowsDirectWrites = true
    /// Threads in `flush`.
    var flushing = 0
    /// The host is stopping: senders no longer wait for room.
    var isClosing = false
    /// The errno of the failed write.
    var failure: Int32?
    var waitingTasks: [Latch] = []
  }

  private let descriptor: Int32
  private let limit: InFlightLimit
  private let onFailure: @Sendable (Int32) -> Void
  private let monitor = Monitor(State())

  /// - Parameter onFailure: called once with the errno when writing fails.
  init(
    to descriptor: Int32, limit: InFlightLimit, onFailure: @escaping @Sendable (Int32) -> Void
  ) {
    self.descriptor = descriptor
    self.limit = limit
    self.onFailure = onFailure
  }

  /// Starts the thread.
  ///
  /// - Throws: if the system refuses it.
  func start() throws(FileError) {
    let code = NamedThread.start("output") { [self] in run() }
    guard code == 0 else { throw FileError(path: "thread for the output", code: code) }
  }

  private enum Admission { case refused, queued, queuedFirst, direct }

  /// Writes or queues lines. Does not block.
  ///
  /// - Parameter release: what to release when the lines are written.
  func send(_ lines: FrameLines, releasing release: InFlightLimit.Release = .init()) {
    lines.bytes.withBytes { bytes in
      send(bytes, releasing: release) { $0.append(lines.bytes) }
    }
  }

  /// Writes or queues collected lines. Does not block.
  func send(_ buffer: borrowing FrameBuffer) {
    buffer.withLines { lines in
      send(lines, releasing: .init()) { $0.append(copying: lines) }
    }
  }

  /// Queues a response without a copy of its result. Does not block.
  func send(_ response: SharedResult) {
    let isFirst = monitor.withLock { state in
      guard state.failure == nil else { return false }
      let isIdle = state.pending.isEmpty && !state.isWriting
      for piece in response.pieces { state.pending.append(sharing: piece) }
      return isIdle
    }
    if isFirst { monitor.notify() }
  }

  /// - Parameter append: appends the lines to the queue.
  private func send(
    _ lines: UnsafeBufferPointer<UInt8>, releasing release: InFlightLimit.Release,
    append: (inout PendingLines) -> Void
  ) {
    let admission = monitor.withLock { state -> Admission in
      if state.failure != nil { return .refused }
      let isIdle = state.pending.isEmpty && !state.isWriting
      if isIdle, state.allowsDirectWrites, lines.count <= Self.maximumDirectBytes {
        state.isWriting = true
        return .direct
      }
      append(&state.pending)
      state.release += release
      return isIdle ? .queuedFirst : .queued
    }
    switch admission {
    case .refused: limit.release(release)
    case .queuedFirst: monitor.notify()
    case .queued: break
    case .direct: writeDirectly(lines, release)
    }
  }

  /// Writes what the system takes at once, and queues the rest before what others have queued.
  ///
  /// A failure is left to the thread, whose write fails in the same way: it cancels requests, and the
  /// sender may hold the lock of one.
  private func writeDirectly(
    _ lines: UnsafeBufferPointer<UInt8>, _ release: InFlightLimit.Release
  ) {
    let (count, error) = FileDescriptor.writeWithoutWaiting(
      UnsafeRawBufferPointer(lines), to: descriptor)
    let isRefused = error == EOPNOTSUPP || error == ENOSYS || error == EINVAL
    let (isQueued, isAwaited) = monitor.withLock { state -> (Bool, Bool) in
      state.isWriting = false
      if isRefused { state.allowsDirectWrites = false }
      let isQueued = count < lines.count && state.failure == nil
      if isQueued {
        state.pending.prepend(copying: UnsafeBufferPointer(rebasing: lines[count...]))
        state.release += release
      }
      return (isQueued, !state.pending.isEmpty || state.flushing > 0)
    }
    if !isQueued { limit.release(release) }
    if isAwaited { monitor.notify() }
  }

  /// Blocks the calling thread while more than `maximumPendingBytes` are pending.
  func waitForRoom() {
    _ = monitor.wait { state -> Bool? in
      let isFree =
        state.pending.count <= Self.maximumPendingBytes || state.failure != nil || state.isClosing
      return isFree ? true : nil
    }
  }

  /// Stops all waits for room. Only the requests in flight can still send.
  func close() {
    monitor.withLock { $0.isClosing = true }
    monitor.notify()
  }

  /// Suspends the task while more than `maximumPendingBytes` are pending.
  func room() async {
    while true {
      let latch = monitor.withLock { state -> Latch? in
        guard state.pending.count > Self.maximumPendingBytes, state.failure == nil else {
          return nil
        }
        let latch = Latch()
        state.waitingTasks.append(latch)
        return latch
      }
      // Again: another task may have taken the room.
      guard let latch, await latch.wait() else { return }
    }
  }

  /// Blocks until everything is written, writing fails, or the deadline passes.
  ///
  /// - Parameter hurry: returns true to stop waiting; see `wake`.
  /// - Returns: whether everything was written.
  func flush(until deadline: Deadline, orWhen hurry: @Sendable () -> Bool) -> Bool {
    monitor.withLock { $0.flushing += 1 }
    defer { monitor.withLock { $0.flushing -= 1 } }
    return monitor.wait(until: deadline) { state -> Bool? in
      if state.failure != nil { return false }
      if state.pending.isEmpty && !state.isWriting { return true }
      return hurry() ? false : nil
    } ?? false
  }

  /// Makes `flush` evaluate its condition again.
  func wake() { monitor.notify() }

  var failure: Int32? { monitor.withLock { $0.failure } }

  /// Marks the output as failed, for example because its reader closed it.
  func fail(_ error: Int32) {
    let first = monitor.withLock { state -> (latches: [Latch], release: InFlightLimit.Release)? in
      guard state.failure == nil else { return nil }
      state.failure = error
      defer { (state.pending, state.release, state.waitingTasks) = (.init(), .init(), []) }
      return (state.waitingTasks, state.release)
    }
    guard let first else { return }
    for latch in first.latches { latch.signal() }
    limit.release(first.release)
    monitor.notify()
    onFailure(error)
  }

  // MARK: On the thread

  private func run() {
    var lines = PendingLines()
    while true {
      lines.removeAll()
      let release = monitor.wait { state -> InFlightLimit.Release? in
        guard !state.pending.isEmpty, !state.isWriting else { return nil }
        swap(&state.pending, &lines)
        state.isWriting = true
        defer { state.release = .init() }
        return state.release
      }
      let error = lines.write(to: descriptor)
      // Before the queue appears empty to others.
      if error != 0 { fail(error) }
      let latches = monitor.withLock { state in
        state.isWriting = false
        defer { state.waitingTasks = [] }
        return state.waitingTasks
      }
      if let release { limit.release(release) }
      for latch in latches { latch.signal() }
      monitor.notify()
    }
  }
}
