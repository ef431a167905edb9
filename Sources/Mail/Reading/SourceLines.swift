import Glibc

/// The lines of a mail. They end with LF or CRLF; with CR if the text has no LF.
struct SourceLines {
  let bytes: UnsafeBufferPointer<UInt8>
  private let terminator: UInt8

  struct Line {
    /// Without the line break.
    let content: Range<Int>
    /// The start of the next line.
    let next: Int
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    let start = bytes.baseAddress
    let hasLineFeed = start.map { memchr($0, Int32(ASCII.lineFeed), bytes.count) != nil } ?? false
    terminator = hasLineFeed ? ASCII.lineFeed : ASCII.carriageReturn
  }

  /// The line at `start`, which must be before the end of the text.
  @inline(__always)
  func line(at start: Int) -> Line {
    guard let base = bytes.baseAddress,
      let found = memchr(base + start, Int32(terminator), bytes.count - start)
    else { return Line(content: start..<bytes.count, next: bytes.count) }
    let end = UnsafeRawPointer(found) - UnsafeRawPointer(base)
    let hasReturn = end > start && bytes[end - 1] == ASCII.carriageReturn
    return Line(content: start..<(hasReturn ? end - 1 : end), next: end + 1)
  }

  /// The position before the line break that ends at `position`, which belongs to the delimiter
  /// (RFC 2046 section 5.1.1). Not before `start`.
  func withoutLineBreak(before position: Int, from start: Int) -> Int {
    guard position > start, bytes[position - 1] == terminator else { return max(position, start) }
    let end = position - 1
    guard end > start, bytes[end - 1] == ASCII.carriageReturn, terminator == ASCII.lineFeed else {
      return end
    }
    return end - 1
  }
}
