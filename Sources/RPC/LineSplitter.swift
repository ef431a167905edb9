import Glibc

/// Splits a byte stream into lines, independent of the sizes of its pieces.
///
/// A line ends with LF or CR LF. The last one may also end at EOF. A byte order mark at the start is
/// skipped. The bytes of a line beyond the limit are only counted, so memory is bounded. The next
/// line is not affected.
package struct LineSplitter {
  package enum Line {
    /// The bytes of one line without the line end; valid only during the call.
    case text(UnsafeBufferPointer<UInt8>)
    /// A line longer than the limit.
    case tooLong(bytes: Int)

    package var count: Int {
      switch self {
      case .text(let text): text.count
      case .tooLong(let bytes): bytes
      }
    }
  }

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  package let maximumBytes: Int
  /// The number of lines so far, including blank ones. During a call, the number of that line, from 1.
  package private(set) var lineNumber = 0

  private var partial: [UInt8] = []
  /// Discarded bytes of the current line, 0 while it is within the limit.
  private var discarded = 0
  private var lastDiscarded: UInt8 = 0
  private var isAtStart = true

  package init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  /// Processes the next piece and calls `body` per completed line.
  package mutating func append(
    _ piece: UnsafeBufferPointer<UInt8>, _ body: (Line, _ number: Int) -> Void
  ) {
    var rest = piece
    while let base = rest.baseAddress, rest.count > 0 {
      guard let found = memchr(base, 0x0A, rest.count) else {
        keep(rest)
        return
      }
      let length = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
      let line = UnsafeBufferPointer(start: base, count: length)
      if partial.isEmpty && discarded == 0 {
        finish(line, body)
      } else {
        keep(line)
        finishPartial(body)
      }
      rest = UnsafeBufferPointer(start: base + length + 1, count: rest.count - length - 1)
    }
  }

  /// Ends the stream. A last line without a line end is included.
  package mutating func finish(_ body: (Line, _ number: Int) -> Void) {
    if !partial.isEmpty || discarded > 0 { finishPartial(body) }
  }

  private mutating func keep(_ piece: UnsafeBufferPointer<UInt8>) {
    // Allow five more bytes: a byte order mark and a carriage return, which are not part of the line,
    // and one byte that exceeds the limit.
    if discarded == 0, partial.count + piece.count <= maximumBytes + 5 {
      partial.append(contentsOf: piece)
      return
    }
    if isAtStart, discarded == 0 {
      let start = partial.prefix(3) + piece.prefix(3)
      if start.starts(with: Self.byteOrderMark) { discarded -= Self.byteOrderMark.count }
    }
    discarded += partial.count + piece.count
    lastDiscarded = piece.last ?? lastDiscarded
    partial = []
  }

  private mutating func finishPartial(_ body: (Line, _ number: Int) -> Void) {
    if discarded > 0 {
      lineNumber += 1
      isAtStart = false
      body(.tooLong(bytes: discarded - (lastDiscarded == 0x0D ? 1 : 0)), lineNumber)
      discarded = 0
      return
    }
    var line: [UInt8] = []
    swap(&line, &partial)
    line.withUnsafeBufferPointer { finish($0, body) }
    // Reuse the buffer only if it is small, so that one large line does not keep its memory.
    if line.capacity <= 65_536 {
      line.removeAll(keepingCapacity: true)
      partial = line
    }
  }

  private mutating func finish(
    _ line: UnsafeBufferPointer<UInt8>, _ body: (Line, _ number: Int) -> Void
  ) {
    var line = line
    if isAtStart {
      isAtStart = false
      if line.starts(with: Self.byteOrderMark) {
        line = UnsafeBufferPointer(rebasing: line[Self.byteOrderMark.count...])
      }
    }
    if line.last == 0x0D { line = UnsafeBufferPointer(rebasing: line.dropLast()) }
    lineNumber += 1
    body(line.count > maximumBytes ? .tooLong(bytes: line.count) : .text(line), lineNumber)
  }
}
