import TestSupport
import Testing

@testable import JSON

@Suite struct JSONStringTests {
  @Test(arguments: [
    (#""""#, ""), (#""plain""#, "plain"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0000\u001f\u007F""#, "\u{0}\u{1F}\u{7F}"),
    (#""\u00e9\u00E9é""#, "ééé"), (#""\u20AC\u2028""#, "€\u{2028}"),
    (#""\ud834\udd1e\uD834\uDD1E𝄞""#, "𝄞𝄞𝄞"), (#""\uFFFF\ufeff""#, "\u{FFFF}\u{FEFF}"),
    (#""a\\u0041""#, "a\\u0041"),
    // Unpaired surrogates.
    (#""\ud800""#, "\u{FFFD}"), (#""\udc00x""#, "\u{FFFD}x"), (#""\ud800x""#, "\u{FFFD}x"),
    (#""\ud800\n""#, "\u{FFFD}\n"), (#""\ud800\u0041""#, "\u{FFFD}A"),
    (#""\ud800\ud834\udd1e""#, "\u{FFFD}𝄞"), (#""\udd1e\ud834""#, "\u{FFFD}\u{FFFD}"),
    (#""\ud834\udd1e\udd1e""#, "𝄞\u{FFFD}"),
  ])
  func `escapes are decoded, and unpaired surrogates are replaced`(
    source: String, text: String
  ) throws {
    let json = try JSON.parse(source)
    #expect(json.string.map { Array($0.utf8) } == Array(text.utf8))
    #expect(json.stringBytes == Array(text.utf8))
    #expect(json.equals(text))
    #expect(!json.equals(text + "x"))
    #expect(json.sourceText == source)
  }

  @Test func `strings are equal if their bytes are equal`() throws {
    #expect(try JSON.parse(#""é""#).equals("e\u{301}") == false)
    #expect(try JSON.parse(#""\u00e9""#).equals("e\u{301}") == false)
    #expect(try JSON.parse("1").equals("1") == false)
  }

  /// The expected result of the scan, computed byte by byte from the text of RFC 8259.
  private func firstSpecial(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.firstIndex { $0 == 0x22 || $0 == 0x5C || $0 < 0x20 || $0 > 0x7F } ?? bytes.endIndex
  }

  /// The scan by words.
  private func found(_ bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return start }
      return JSONString.endOfPlainRun(base, start, buffer.count)
    }
  }

  @Test func `the scan stops at the first special byte, at any position`() {
    for byte in UInt8.min...UInt8.max {
      for position in 0..<17 {
        var bytes = [UInt8](repeating: 0x61, count: 17)
        bytes[position] = byte
        #expect(found(bytes, from: 0) == firstSpecial(bytes[...]), "\(byte) at \(position)")
      }
    }
  }

  @Test func `the scan stops at the first special byte of random bytes, at any alignment`() {
    var random = SeededGenerator(seed: 7)
    // Mostly plain bytes; the rest is special, or differs from a special byte in one bit.
    let near: [UInt8] = [0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0]
    for _ in 0..<4_000 {
      let rarity = random.pick(1...24)
      let bytes = (0..<random.pick(0...48)).map { _ in
        random.pick(1...rarity) == 1
          ? random.pick(near) : UInt8.random(in: 0x20...0x7F, using: &random)
      }
      for start in 0...min(8, bytes.count) {
        #expect(found(bytes, from: start) == firstSpecial(bytes[start...]), "\(bytes) \(start)")
      }
    }
  }

  @Test func `a word scan stops at the first special byte of any bytes`() {
    var random = SeededGenerator(seed: 8)
    for _ in 0..<4_000 {
      let bytes = (0..<24).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(found(bytes, from: 0) == firstSpecial(bytes[...]))
    }
  }

  @Test func `any string round-trips`() throws {
    var random = SeededGenerator(seed: 9)
    let scalars: [Unicode.Scalar] = [
      "\"", "\\", "/", "\u{0}", "\n", "\u{1F}", "\u{7F}", "\u{85}", "\u{84}", "\u{2028}",
      "\u{2029}", "\u{2027}", "\u{A0}", "é", "€", "\u{FFFF}", "𝄞", "\u{10FFFF}", "a", "b", "c", "d",
    ]
    for _ in 0..<2_000 {
      var text = ""
      for _ in 0..<random.pick(0...30) { text.unicodeScalars.append(random.pick(scalars)) }
      let written = JSONFragment { $0.string(text) }
      #expect(written.json.stringBytes == Array(text.utf8))
      #expect(!written.text.unicodeScalars.contains { $0.value < 0x20 })
      #expect(
        !written.text.unicodeScalars.contains { ["\u{85}", "\u{2028}", "\u{2029}"].contains($0) })
    }
  }

  @Test(arguments: [false, true])
  func `a large text is searched in pieces with whole strings`(hasEscapes: Bool) {
    let names = (0..<30_000).map { "name-\($0)-" + (hasEscapes && $0 % 7 == 0 ? "\"\n" : "x") }
    let text = JSONFragment { writer in
      writer.array { writer in
        for name in names {
          writer.object { $0.member("n", name) }
          writer.integer(12_345_678)
        }
      }
    }
    var pieces: [[UInt8]] = []
    let isComplete = text.bytes.withUnsafeBufferPointer { bytes in
      JSONString.allSearchablePieces(of: bytes) { piece in
        pieces.append(Array(piece))
        return true
      }
    }
    #expect(isComplete && pieces.count > 5 && pieces.allSatisfy { $0.count < 70_000 })
    let quote = hasEscapes ? 0 : UInt8(ascii: "\"")
    let fields = pieces.flatMap { $0.split(separator: quote) }
      .map { String(decoding: $0, as: UTF8.self) }
    #expect(fields.filter { $0.hasPrefix("name-") } == names)
    #expect(fields.count { $0.hasPrefix("},12345678") } == names.count)
    let isEnded = text.bytes.withUnsafeBufferPointer { bytes in
      JSONString.allSearchablePieces(of: bytes) { _ in false }
    }
    #expect(!isEnded)
  }
}
