import Basics
import Glibc
import Synchronization

/// Reads an input in pieces until EOF or `stop`.
final class InputReader: Sendable {
  enum Piece {
    case bytes(UnsafeBufferPointer<UInt8>)
    case end
    /// `wake` was called.
    case woken
    /// `stop` was called.
    case stopped
    case failed(FileError)
  }

  /// POLLRDHUP of poll(2), which is hidden from Swift.
  private static let pollReadHangUp: Int16 = 0x2000

  static let pieceBytes = 256 * 1_024

  /// `wake` and `stop` write to the pipe to end a wait for input.
  private let wakeReadEnd: Int32
  private let wakeWriteEnd: Int32
  private let isStopped = Atomic(false)
  /// The descriptor that is being read; -1 before and after.
  private let current = Atomic<Int32>(-1)

  /// - Throws: if the process has no free descriptors.
  init() throws(FileError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: "pipe", code: errno) }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (wakeReadEnd, wakeWriteEnd) = (ends[0], ends[1])
  }

  deinit {
    close(wakeReadEnd)
    close(wakeWriteEnd)
  }

  /// Stops reading. Any thread may call it.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    wake()
  }

  /// Interrupts a wait for input. Any thread may call it.
  func wake() {
    // A full pipe wakes the reader, too.
    var byte: UInt8 = 0
    _ = write(wakeWriteEnd, &byte, 1)
  }

  /// Whether the caller has closed its end of a pipe or socket, even if bytes are still unread.
  var inputHasEnded: Bool {
    let input = current.load(ordering: .acquiring)
    guard input >= 0 else { return false }
    var descriptor = pollfd(fd: input, events: Self.pollReadHangUp, revents: 0)
    return poll(&descriptor, 1, 0) > 0
      && descriptor.revents & (Int16(POLLHUP) | Self.pollReadHangUp) != 0
  }

  /// Calls `body` per piece. The last piece is neither `bytes` nor `woken`. Blocks.
  func read(_ input: Int32, _ body: (Piece) -> Void) {
    current.store(input, ordering: .releasing)
    defer { current.store(-1, ordering: .releasing) }
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      var descriptors = [
        pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wakeReadEnd, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&descriptors, 2, -1) < 0 { continue }
      if descriptors[1].revents != 0 {
        if isStopped.load(ordering: .acquiring) { return body(.stopped) }
        _ = Glibc.read(wakeReadEnd, buffer, Self.pieceBytes)
        // `stop` may have been called in between.
        if isStopped.load(ordering: .acquiring) { return body(.stopped) }
        body(.woken)
        continue
      }
      guard descriptors[0].revents != 0 else { continue }
      let count = Glibc.read(input, buffer, Self.pieceBytes)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      if count < 0 { return body(.failed(FileError(path: "input", code: errno))) }
      if count == 0 { return body(.end) }
      body(
        .bytes(
          UnsafeBufferPointer(
            start: UnsafePointer(buffer.assumingMemoryBound(to: UInt8.self)), count: count)))
    }
  }
}
