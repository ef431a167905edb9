import RPC
import TestSupport
import Testing

@Suite struct LineSplitterTests {
  private static let limit = 32
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// `number text`, or `number: length` for a line that is too long.
  private static func lines(_ pieces: [ArraySlice<UInt8>]) -> [String] {
    var splitter = LineSplitter(maximumBytes: limit)
    var lines: [String] = []
    let take: (LineSplitter.Line, Int) -> Void = { line, number in
      switch line {
      case .text(let text): lines.append("\(number) \(String(decoding: text, as: UTF8.self))")
      case .tooLong(let bytes): lines.append("\(number): \(bytes) bytes")
      }
    }
    for piece in pieces { piece.withUnsafeBufferPointer { splitter.append($0, take) } }
    splitter.finish(take)
    #expect(splitter.lineNumber == lines.count)
    return lines
  }

  private static func x(_ count: Int) -> String { String(repeating: "x", count: count) }

  /// Streams and their lines.
  private static let streams: [(bytes: [UInt8], lines: [String])] = [
    ([], []), (Array("\n".utf8), ["1 "]), (Array("\n\n".utf8), ["1 ", "2 "]),
    (mark, ["1 "]), (mark + mark + [0x0A], ["1 \u{FEFF}"]), (Array("\r\n\r".utf8), ["1 ", "2 "]),
    (Array("a\rb\r\r\nlast\r".utf8), ["1 a\rb\r", "2 last"]),
    (
      mark + Array("one\r\n\n  \ntwo\u{2028}\u{85}\n\u{FEFF}3\n\(x(40))\nfour\r\nlast".utf8),
      [
        "1 one", "2 ", "3   ", "4 two\u{2028}\u{85}", "5 \u{FEFF}3", "6: 40 bytes", "7 four",
        "8 last",
      ]
    ),
    // Around the limit, with bytes that do not belong to the line.
    (
      Array("\(x(32))\n\(x(33))\n\(x(34))\n\(x(35))".utf8),
      ["1 \(x(32))", "2: 33 bytes", "3: 34 bytes", "4: 35 bytes"]
    ),
    (
      Array("\(x(32))\r\n\(x(33))\r\n\(x(39))\r\n\(x(90))\r".utf8),
      ["1 \(x(32))", "2: 33 bytes", "3: 39 bytes", "4: 90 bytes"]
    ),
    (mark + Array("\(x(32))\r\nnext".utf8), ["1 \(x(32))", "2 next"]),
    (mark + Array("\(x(33))\r\nnext".utf8), ["1: 33 bytes", "2 next"]),
    (mark + Array("\(x(80))\r\n\(x(81))".utf8), ["1: 80 bytes", "2: 81 bytes"]),
    (Array("\(x(100))\n\n\(x(100))\n".utf8), ["1: 100 bytes", "2 ", "3: 100 bytes"]),
  ]

  @Test(arguments: streams.indices)
  func `the lines do not depend on the chunk boundaries`(index: Int) {
    let (stream, expected) = Self.streams[index]
    #expect(Self.lines([stream[...]]) == expected)
    #expect(Self.lines(stream.indices.map { stream[$0...$0] }) == expected, "byte by byte")
    for cut in 0...stream.count {
      #expect(Self.lines([stream[..<cut], stream[cut...]]) == expected, "cut at \(cut)")
      for second in stride(from: cut, through: stream.count, by: 7) {
        let pieces = [stream[..<cut], stream[cut..<second], stream[second...]]
        #expect(Self.lines(pieces) == expected, "cut at \(cut) and \(second)")
      }
    }
  }

  @Test func `random streams in random chunks are split like the whole text`() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<500 {
      let parts = [
        [0x0A], [0x0D, 0x0A], [0x0D], Array(Self.x(7).utf8), Array(Self.x(31).utf8), [0x61],
      ]
      let stream = (0..<random.pick(0...20)).flatMap { _ in random.pick(parts) }
      var pieces: [ArraySlice<UInt8>] = []
      var rest = stream[...]
      while !rest.isEmpty {
        pieces.append(rest.prefix(random.pick(1...20)))
        rest = rest.dropFirst(pieces[pieces.count - 1].count)
      }
      var expected = stream.split(separator: 0x0A, omittingEmptySubsequences: false)
      if expected.last?.isEmpty == true { expected.removeLast() }
      #expect(
        Self.lines(pieces)
          == expected.enumerated().map { index, line in
            let line = line.last == 0x0D ? line.dropLast() : line
            return line.count > Self.limit
              ? "\(index + 1): \(line.count) bytes"
              : "\(index + 1) \(String(decoding: line, as: UTF8.self))"
          })
    }
  }
}
