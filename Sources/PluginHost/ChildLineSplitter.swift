import Glibc

/// Splits the output of a program into lines. Of a line beyond the limit only the start is kept.
struct ChildLineSplitter {
  enum Line {
    /// Valid only during the call.
    case text(UnsafeBufferPointer<UInt8>)
    /// A line longer than the limit, with its start. It is reported before its end arrives.
    case tooLong(start: [UInt8])
  }

  /// Bytes of the start of a line that is too long.
  private static let startBytes = 512

  private let maximumBytes: Int
  private var partial: [UInt8] = []
  private var isTooLong = false

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  /// Processes the next piece and calls `body` per line that is completed or becomes too long.
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>, _ body: (Line) -> Void) {
    var rest = piece
    while let base = rest.baseAddress, rest.count > 0 {
      guard let found = memchr(base, 0x0A, rest.count) else { return keep(rest, body) }
      let length = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
      let end = UnsafeBufferPointer(start: base, count: length)
      rest = UnsafeBufferPointer(start: base + length + 1, count: rest.count - length - 1)
      if partial.isEmpty, !isTooLong, length <= maximumBytes {
        body(.text(Self.withoutReturn(end)))
      } else {
        keep(end, body)
        finish(body)
      }
    }
  }

  private mutating func keep(_ piece: UnsafeBufferPointer<UInt8>, _ body: (Line) -> Void) {
    guard !isTooLong else { return }
    if partial.count + piece.count <= maximumBytes {
      partial.append(contentsOf: piece)
      return
    }
    isTooLong = true
    let start = Array(
      (partial.prefix(Self.startBytes) + piece.prefix(Self.startBytes))
        .prefix(Self.startBytes))
    partial = []
    body(.tooLong(start: start))
  }

  private mutating func finish(_ body: (Line) -> Void) {
    var line: [UInt8] = []
    swap(&line, &partial)
    if isTooLong {
      isTooLong = false
      return
    }
    line.withUnsafeBufferPointer { body(.text(Self.withoutReturn($0))) }
    // Reused only if it is small, so that one large line does not keep its memory.
    if line.capacity <= 65_536 {
      line.removeAll(keepingCapacity: true)
      partial = line
    }
  }

  private static func withoutReturn(
    _ line: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8> {
    line.last == 0x0D ? UnsafeBufferPointer(rebasing: line.dropLast()) : line
  }
}
