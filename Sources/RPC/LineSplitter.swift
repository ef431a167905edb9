import Glibc

/// Cuts a byte stream into lines, whatever pieces it arrives in.
///
/// A line ends with LF or CR LF, the last one also with the end of the stream; a byte order mark at
/// the very start is skipped. A line beyond the limit is not kept, only counted, so that memory
/// stays bounded, and the next line still works.
package struct LineSplitter {
  package enum Line {
    /// The bytes of one line without its end; valid only during the call.
    case text(UnsafeBufferPointer<UInt8>)
    /// That many bytes, more than the limit.
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
  /// Lines seen so far, blank ones included; during a call the number of that line, from 1.
  package private(set) var lineNumber = 0

  private var partial: [UInt8] = []
  /// Bytes of the current line that were thrown away, 0 while it is within the limit.
  private var discarded = 0
  private var lastDiscarded: UInt8 = 0
  private var isAtStart = true

  package init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  /// Takes the next piece and calls `body` for each line that it completes.
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

  /// The stream has ended: a last line without a line end counts too.
  package mutating func finish(_ body: (Line, _ number: Int) -> Void) {
    if !partial.isEmpty || discarded > 0 { finishPartial(body) }
  }

  private mutating func keep(_ piece: UnsafeBufferPointer<UInt8>) {
    // Five bytes of grace: a byte order mark and a carriage return, which are not part of the line,
    // and one byte over.
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
    // The buffer is used again for a small line; one large line does not hold on to its memory.
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
