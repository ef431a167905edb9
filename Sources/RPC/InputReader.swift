import Basics
import Glibc

/// Reads an input in pieces until EOF or `stop`.
final class InputReader: Sendable {
  enum Piece {
    case bytes(UnsafeBufferPointer<UInt8>)
    case end
    /// `stop` was called.
    case stopped
    case failed(FileError)
  }

  static let pieceBytes = 256 * 1_024

  /// `stop` writes to the pipe to end a wait for input.
  private let wakeReadEnd: Int32
  private let wakeWriteEnd: Int32

  /// - Throws: if the process has no free descriptors.
  init() throws(FileError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (wakeReadEnd, wakeWriteEnd) = (ends[0], ends[1])
  }

  deinit {
    close(wakeReadEnd)
    close(wakeWriteEnd)
  }

  /// Stops reading. Any thread may call it.
  func stop() {
    var byte: UInt8 = 0
    _ = write(wakeWriteEnd, &byte, 1)
  }

  /// Calls `body` per piece. The last piece is not `bytes`. Blocks.
  func read(_ input: Int32, _ body: (Piece) -> Void) {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      var descriptors = [
        pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wakeReadEnd, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&descriptors, 2, -1) < 0 { continue }
      if descriptors[1].revents != 0 { return body(.stopped) }
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
