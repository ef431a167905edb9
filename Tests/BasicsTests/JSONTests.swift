import Foundation
import Testing

@testable import Basics

/// Public parsing cases beside the checkout; nil, with a line that says so, where they are not.
private func parsingSuite() -> URL? {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let folder = root.deletingLastPathComponent().appending(path: "shared/suites/json/test_parsing")
  if FileManager.default.fileExists(atPath: folder.path) { return folder }
  print("skipped: the public JSON suite is not at ../shared/suites/json")
  return nil
}

@Suite struct JSONSuiteTests {
  @Test func everyCaseOfThePublicSuiteIsJudgedRight() throws {
    guard let folder = parsingSuite() else { return }
    var counted = 0
    for file in try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    {
      let text = [UInt8](try Data(contentsOf: file))
      let isAccepted = (try? JSON.parse(text)) != nil
      let name = file.lastPathComponent
      if name.hasPrefix("y_") { #expect(isAccepted, "\(name) is JSON") }
      if name.hasPrefix("n_") { #expect(!isAccepted, "\(name) is not JSON") }
      counted += 1
    }
    #expect(counted > 300)
  }
}

@Suite struct JSONReaderTests {
  @Test(arguments: [
    ("", 0, JSONError.Code.syntax), ("[1,]", 3, .syntax), ("{\"a\" 1}", 5, .syntax),
    ("[1 2]", 3, .syntax), ("01", 1, .syntax), ("\"\u{1}\"", 1, .syntax), ("\"\\x\"", 1, .syntax),
    ("[true, nul]", 7, .syntax), ("{} {}", 3, .syntax), ("\"abc", 4, .syntax),
  ])
  func aFaultHasItsPlace(text: String, offset: Int, code: JSONError.Code) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
    #expect(error?.offset == offset)
    #expect(error?.code == code)
  }

  @Test func bytesThatAreNotUTF8HaveTheirPlace() {
    let error = #expect(throws: JSONError.self) { try JSON.parse([0x22, 0x61, 0xC3, 0x28, 0x22]) }
    #expect(error?.code == .invalidUTF8)
    #expect(error?.offset == 2)
  }

  @Test func linesAndColumnsCountFromOne() {
    let error = JSONError(code: .syntax, reason: "", offset: 5)
    let place = error.lineAndColumn(in: Array("{\n\n  x".utf8))
    #expect(place == (line: 3, column: 3))
  }

  @Test(arguments: [(512, true), (513, false), (100_000, false)])
  func nestingHasALimit(depth: Int, isAccepted: Bool) {
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(((try? JSON.parse(text)) != nil) == isAccepted)
  }

  @Test func theNumberOfValuesHasALimit() {
    let error = #expect(throws: JSONError.self) {
      try JSON.parse(Array("[1,2,3]".utf8), limits: JSONLimits(depth: 8, values: 3))
    }
    #expect(error?.code == .tooManyValues)
  }

  @Test(arguments: [
    ("9223372036854775807", Int64.max), ("-9223372036854775808", .min),
    ("9223372036854775808", nil), ("1.0", 1), ("1e2", 100), ("1.5", nil), ("-0", 0),
  ])
  func integersAreExact(text: String, value: Int64?) throws {
    #expect(try JSON.parse(text).integer == value)
  }

  @Test func theLastOfSeveralMembersOfOneNameCounts() throws {
    let json = try JSON.parse(#"{"a":1,"b":2,"\u0061":3}"#)
    #expect(json["a"]?.integer == 3)
    #expect(json.members.count { $0.name.equals("a") } == 2)
  }

  @Test func canonicallyEquivalentNamesDiffer() throws {
    #expect(try JSON.parse("{\"e\\u0301\":1}")["\u{E9}"] == nil)
  }

  @Test func anUnpairedSurrogateBecomesAReplacementCharacter() throws {
    #expect(try JSON.parse(#""\ud800x""#).string == "\u{FFFD}x")
    #expect(try JSON.parse(#""\ud834\udd1e""#).string == "\u{1D11E}")
  }

  @Test func aSelectionFindsByPositionAndCountsTheRest() throws {
    let members = try JSON.parse(#"{"b":null,"\u0061":1,"x":0,"y":0}"#)
      .select(JSONNames("a", "b", "c"))
    // Into constants first: a selection cannot be copied, and the macro would.
    let (first, second, unknown) = (members[0], members.valueIfNotNull(1), members.unknownCount)
    let (hasNull, hasThird) = (members.has(1), members.has(2))
    #expect(first?.integer == 1)
    #expect(hasNull && second == nil)
    #expect(!hasThird)
    #expect(unknown == 2)
  }

  /// The scan that looks at eight bytes at a time, against one that looks at each.
  @Test func plainRunsEndWhereTheFirstSpecialByteStands() {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...40, using: &generator)
      let bytes = (0..<count).map { _ in
        Bool.random(using: &generator)
          ? UInt8.random(in: 0x20...0x7F, using: &generator)
          : UInt8.random(in: 0...255, using: &generator)
      }
      let expected = bytes.firstIndex { !JSONString.isPlain($0) } ?? bytes.count
      let found = bytes.withUnsafeBufferPointer { buffer -> Int in
        guard let base = buffer.baseAddress else { return 0 }
        var at = JSONString.plainRun(base, 0, buffer.count)
        while at < buffer.count && JSONString.isPlain(base[at]) { at += 1 }
        return at
      }
      #expect(found == expected)
    }
  }
}

@Suite struct JSONWriterTests {
  @Test func separatorsOfLinesAreEscaped() {
    let text = JSONFragment { $0.string("a\u{2028}b\u{2029}c\u{85}d\n\"\\\u{1}") }.text
    #expect(text == #""a\u2028b\u2029c\u0085d\n\"\\\u0001""#)
  }

  @Test func aSubtreeOverSeveralLinesIsPutOnOne() throws {
    let json = try JSON.parse("{\n \"a\": [1.50,\n\"x\u{2028}\"],\r\n\"b\":{}}")
    #expect(JSONFragment(json).text == #"{"a":[1.50,"x\u2028"],"b":{}}"#)
  }

  @Test func whatStandsOnOneLineIsCopiedAsItIs() throws {
    let text = #"{"a" : [ 1.50, 18446744073709551617, "\u00e9" ]}"#
    #expect(JSONFragment(try JSON.parse(text)).text == text)
  }

  @Test func canonicalTextsOfEqualValuesAreEqual() throws {
    let one = JSONFragment(try JSON.parse(#"{"b":[1,"\u0061"],"a":{"y":1,"x":2}}"#))
    let other = JSONFragment(try JSON.parse(#"{ "a": {"x":2,"y":1}, "b": [1, "a"] }"#))
    #expect(one.canonicalText == other.canonicalText)
  }

  @Test(arguments: [0, 9, 10, -1, Int64.max, Int64.min, 1_000_000])
  func integersAreWrittenInFull(value: Int64) {
    #expect(JSONFragment { $0.integer(value) }.text == String(value))
  }
}

struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea and Flood, 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
