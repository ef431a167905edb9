import Basics
import Glibc

/// Writes whole frames to the output, one thread for all of them.
///
/// Whoever has a frame appends it and goes on; the thread writes what has gathered in one go, so
/// frames are never spliced, and the busier the host the fewer system calls a frame takes.
final class OutputQueue: Sendable {
  /// Bytes that wait for the reader at most, before those who can wait are made to.
  static let queueBytes = 4 * 1_024 * 1_024

  private struct State {
    var pending: [UInt8] = []
    /// How many of the pending frames give back a place (see `Admission`).
    var leaving = 0
    var isWriting = false
    /// Nobody is held up any more, since the host is stopping.
    var isClosing = false
    /// Why nothing can be written any more.
    var failure: Int32?
    var waitingTasks: [Latch] = []
  }

  private let descriptor: Int32
  private let admission: Admission
  private let onFailure: @Sendable (Int32) -> Void
  private let monitor = Monitor(State())

  /// - Parameter onFailure: called once, with the errno, when the output cannot be written.
  init(
    to descriptor: Int32, admission: Admission, onFailure: @escaping @Sendable (Int32) -> Void
  ) {
    self.descriptor = descriptor
    self.admission = admission
    self.onFailure = onFailure
    let code = NamedThread.start("output") { [self] in run() }
    if code != 0 { fail(code) }
  }

  /// Hands over whole frames, each with its line end.
  ///
  /// - Parameter leaving: how many accepted requests they answer.
  func append(_ frames: [UInt8], leaving: Int = 0) {
    let isFirst = monitor.withLock { state -> Bool? in
      if state.failure != nil { return nil }
      defer {
        state.pending.append(contentsOf: frames)
        state.leaving += leaving
      }
      return state.pending.isEmpty && !state.isWriting
    }
    switch isFirst {
    case nil: admission.leave(leaving)
    case true?: monitor.notify()
    case false?: break
    }
  }

  /// Blocks the reading thread while much is waiting.
  func waitForRoom() {
    _ = monitor.wait { state -> Bool? in
      let isFree =
        state.pending.count <= Self.queueBytes || state.failure != nil || state.isClosing
      return isFree ? true : nil
    }
  }

  /// Holds up nobody from now on: what still comes is little.
  func close() {
    monitor.withLock { $0.isClosing = true }
    monitor.notify()
  }

  /// Suspends a task that sends much on its own account while much is waiting.
  func room() async {
    let latch = monitor.withLock { state -> Latch? in
      guard state.pending.count > Self.queueBytes, state.failure == nil else { return nil }
      let latch = Latch()
      state.waitingTasks.append(latch)
      return latch
    }
    _ = await latch?.wait()
  }

  /// Blocks until everything is written, or cannot be, or the time is over.
  ///
  /// - Returns: whether everything was written.
  func flush(until deadline: Deadline) -> Bool {
    monitor.wait(until: deadline) { state -> Bool? in
      if state.failure != nil { return false }
      return state.pending.isEmpty && !state.isWriting ? true : nil
    } ?? false
  }

  var failure: Int32? { monitor.withLock { $0.failure } }

  /// Declares the output lost, as when its reader is seen to be gone.
  func fail(_ error: Int32) {
    let first = monitor.withLock { state -> (latches: [Latch], leaving: Int)? in
      guard state.failure == nil else { return nil }
      state.failure = error
      defer { (state.pending, state.leaving, state.waitingTasks) = ([], 0, []) }
      return (state.waitingTasks, state.leaving)
    }
    guard let first else { return }
    for latch in first.latches { latch.signal() }
    admission.leave(first.leaving)
    monitor.notify()
    onFailure(error)
  }

  // MARK: On the thread

  private func run() {
    var frames: [UInt8] = []
    while true {
      frames.removeAll(keepingCapacity: frames.capacity <= Self.queueBytes)
      let leaving =
        monitor.wait { state -> Int? in
          guard !state.pending.isEmpty else { return nil }
          swap(&state.pending, &frames)
          state.isWriting = true
          defer { state.leaving = 0 }
          return state.leaving
        } ?? 0
      let error = FileDescriptor.writeAll(frames, to: descriptor)
      // Before anybody can see the queue empty.
      if error != 0 { fail(error) }
      let latches = monitor.withLock { state in
        state.isWriting = false
        defer { state.waitingTasks = [] }
        return state.waitingTasks
      }
      admission.leave(leaving)
      for latch in latches { latch.signal() }
      monitor.notify()
    }
  }
}
