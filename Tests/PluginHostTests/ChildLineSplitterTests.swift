import Testing

@testable import PluginHost

@Suite("Lines of a program")
struct ChildLineSplitterTests {
  /// A line as text; one that is too long with `!` and the number of bytes of its start.
  private static func lines(_ pieces: [[UInt8]], maximumBytes: Int) -> [String] {
    var splitter = ChildLineSplitter(maximumBytes: maximumBytes)
    var lines: [String] = []
    for piece in pieces {
      piece.withUnsafeBufferPointer { piece in
        splitter.append(piece) { line in
          switch line {
          case .text(let text): lines.append(String(decoding: text, as: UTF8.self))
          case .tooLong(let start): lines.append("!\(start.count)")
          }
        }
      }
    }
    return lines
  }

  private static let samples: [(text: String, lines: [String])] = [
    ("a\nbc\n", ["a", "bc"]), ("\n\n", ["", ""]), ("a\r\nb\r\n\r\n", ["a", "b", ""]),
    ("12345678\n", ["12345678"]), ("123456789\nx\n", ["!9", "x"]),
    ("1234567\r\n", ["1234567"]), ("x\n123456789012345678901\n\ny\n", ["x", "!", "", "y"]),
    ("no end", []), ("\u{0}\n\u{7F}é\n", ["\u{0}", "\u{7F}é"]), ("123456789", ["!9"]),
  ]

  /// The number of bytes that are kept of a line that is too long depends on the pieces.
  private static func comparable(_ lines: [String]) -> [String] {
    lines.map { $0.hasPrefix("!") ? "!" : $0 }
  }

  @Test("every split gives the same lines", arguments: samples.indices)
  func splits(position: Int) {
    let (text, expected) = Self.samples[position]
    let bytes = Array(text.utf8)
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let pieces = [
          Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]),
        ]
        #expect(
          Self.comparable(Self.lines(pieces, maximumBytes: 8)) == Self.comparable(expected))
      }
    }
    #expect(
      Self.comparable(Self.lines(bytes.map { [$0] }, maximumBytes: 8)) == Self.comparable(expected))
  }

  @Test("a line that is too long is reported before its end, and its start is bounded")
  func tooLong() {
    var splitter = ChildLineSplitter(maximumBytes: 1_000)
    var starts: [Int] = []
    var texts = 0
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 600)
    for _ in 0..<100 {
      piece.withUnsafeBufferPointer { piece in
        splitter.append(piece) { line in
          if case .tooLong(let start) = line { starts.append(start.count) } else { texts += 1 }
        }
      }
    }
    #expect(starts == [512] && texts == 0)
  }
}
