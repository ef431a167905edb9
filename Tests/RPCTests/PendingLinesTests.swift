import Basics
import Glibc
import Testing

@testable import RPC

@Suite struct PendingLinesTests {
  private func shared(_ count: Int, _ byte: UInt8) -> SharedBytes {
    var buffer = ByteBuffer(capacity: 16)
    buffer.append([UInt8](repeating: byte, count: count))
    return buffer.share()
  }

  @Test func `lines of all sizes are written in order`() throws {
    var lines = PendingLines()
    var expected: [UInt8] = []
    for (position, count) in [10, 100_000, 200_000, 20, 30, 65_536, 65_537, 5].enumerated() {
      let byte = UInt8(ascii: "a") + UInt8(position)
      lines.append(shared(count, byte))
      expected += [UInt8](repeating: byte, count: count)
    }
    for (text, count) in [("x", 3), ("y", 1), ("z", 70_000)] {
      let bytes = [UInt8](repeating: Array(text.utf8)[0], count: count)
      lines.append(sharing: bytes)
      expected += bytes
    }
    lines.append(shared(4, UInt8(ascii: "!")))
    expected += [UInt8](repeating: UInt8(ascii: "!"), count: 4)
    lines.prepend(copying: Array("first".utf8))
    expected = Array("first".utf8) + expected
    #expect(lines.count == expected.count)
    let file = try #require(tmpfile())
    defer { fclose(file) }
    #expect(lines.write(to: fileno(file)) == 0)
    rewind(file)
    var written = [UInt8](repeating: 0, count: expected.count + 1)
    #expect(fread(&written, 1, written.count, file) == expected.count)
    #expect(written.dropLast().elementsEqual(expected))
    lines.removeAll()
    #expect(lines.isEmpty)
  }
}

extension PendingLines {
  fileprivate mutating func prepend(copying bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { prepend(copying: $0) }
  }
}
