import Basics

/// The lines that wait to be written, in order.
struct PendingLines {
  /// Larger lines are shared; the others are copied together, to be written in one call.
  private static let copiedBytes = 64 * 1_024
  /// Memory in bytes that is kept for further lines.
  private static let keptBytes = Output.maximumPendingBytes

  private enum Piece {
    case array([UInt8])
    case shared(SharedBytes)
  }

  /// In bytes.
  private(set) var count = 0
  /// What is written before `last`.
  private var pieces: [Piece] = []
  /// Copied lines.
  private var last: [UInt8] = []

  var isEmpty: Bool { count == 0 }

  mutating func append(_ lines: SharedBytes) {
    guard lines.count > Self.copiedBytes else {
      lines.withBytes { append(copying: $0) }
      return
    }
    append(.shared(lines), bytes: lines.count)
  }

  mutating func append(sharing bytes: [UInt8]) { append(.array(bytes), bytes: bytes.count) }

  private mutating func append(_ piece: Piece, bytes: Int) {
    if !last.isEmpty { pieces.append(.array(last)) }
    last = []
    pieces.append(piece)
    count += bytes
  }

  mutating func append(copying lines: UnsafeBufferPointer<UInt8>) {
    last.append(contentsOf: lines)
    count += lines.count
  }

  mutating func prepend(copying lines: UnsafeBufferPointer<UInt8>) {
    pieces.insert(.array(Array(lines)), at: 0)
    count += lines.count
  }

  /// Removes all lines. Keeps the memory, unless it is very large.
  mutating func removeAll() {
    count = 0
    pieces = []
    last.removeAll(keepingCapacity: last.capacity <= Self.keptBytes)
  }

  /// - Returns: 0, or the errno of the failed write.
  func write(to descriptor: Int32) -> Int32 {
    for piece in pieces {
      let error =
        switch piece {
        case .array(let bytes): FileDescriptor.writeAll(bytes, to: descriptor)
        case .shared(let bytes):
          bytes.withBytes {
            FileDescriptor.writeAll(UnsafeRawBufferPointer($0), to: descriptor).error
          }
        }
      if error != 0 { return error }
    }
    return FileDescriptor.writeAll(last, to: descriptor)
  }
}
