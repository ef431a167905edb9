import Testing

@testable import RPC

@Suite struct LineSplitterTests {
  private static let stream =
    [0xEF, 0xBB, 0xBF] + Array("one\r\n\n  \ntwo\u{2028}\n".utf8)
    + Array(String(repeating: "x", count: 40).utf8) + Array("\nfour\r\nlast".utf8)

  private func lines(_ pieces: [[UInt8]]) -> [String] {
    var splitter = LineSplitter(maximumBytes: 32)
    var lines: [String] = []
    let take: (LineSplitter.Line, Int) -> Void = { line, number in
      switch line {
      case .text(let text): lines.append("\(number) \(String(decoding: text, as: UTF8.self))")
      case .tooLong(let bytes): lines.append("\(number) too long \(bytes)")
      }
    }
    for piece in pieces { piece.withUnsafeBufferPointer { splitter.append($0, take) } }
    splitter.finish(take)
    return lines
  }

  private let expected = [
    "1 one", "2 ", "3   ", "4 two\u{2028}", "5 too long 40", "6 four", "7 last",
  ]

  @Test func theSameLinesComeOutWhereverTheStreamIsCutInTwo() {
    for cut in 0...Self.stream.count {
      let pieces = [Array(Self.stream[..<cut]), Array(Self.stream[cut...])]
      #expect(lines(pieces) == expected, "cut at \(cut)")
    }
  }

  @Test func theSameLinesComeOutByteByByte() {
    #expect(lines(Self.stream.map { [$0] }) == expected)
  }

  @Test func aLineOfJustTheLimitPasses() {
    let line = [UInt8](repeating: 0x61, count: 32)
    #expect(lines([line + [0x0D, 0x0A]]) == ["1 " + String(decoding: line, as: UTF8.self)])
    #expect(lines([line + [0x61, 0x0A]]) == ["1 too long 33"])
  }
}
