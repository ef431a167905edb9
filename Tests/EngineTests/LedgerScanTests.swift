import Basics
import JSON
import Testing

@testable import Engine

/// A ledger above `LedgerFile.scanBytes` is read in two passes. Both ways must give the same keys.
@Suite struct LedgerScanTests {
  private let state = TemporaryState()

  private func name(_ number: Int) -> String {
    let digits = String(number &* 0x9E37_79B9 & 0xFFFF_FFFF, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
      + String(repeating: "7f", count: 28)
  }

  /// A history of many keys, with what crashes and other programs leave in a file.
  private func history(lines count: Int, _ random: inout SystemRandomNumberGenerator) -> String {
    let call = String(repeating: "c", count: 64)
    var (text, longLines) = ("", 0)
    for _ in 0..<count {
      let key = name(Int.random(in: 0..<count / 4, using: &random))
      let start = #"{"key":"\#(key)","call":"\#(call)","time":1767225600000,"end":"#
      switch Int.random(in: 0..<60, using: &random) {
      case 0: text += start + "\"sta\n"
      case 1: text += "\n"
      case 2:
        text +=
          #"{"end":"unknown", "time":1767225600000, "call":"\#(call)", "key":"\#(key)"}"# + "\n"
      case 3 where longLines < 3:
        longLines += 1
        text += String(repeating: "x", count: 140_000) + "\n"
      case 4..<14: text += start + "\"started\"}\n"
      case 14..<18: text += start + "\"not_applied\"}\n"
      case 18..<22: text += start + "\"unknown\"}\n"
      default:
        let size = Int.random(in: 1..<900, using: &random)
        text += start + "\"done\",\"result\":\"\(String(repeating: "r", count: size))\"}\n"
      }
    }
    return text
  }

  private func read(
    _ path: String, scanFrom bytes: Int, keys: Int
  ) throws -> (memory: LedgerMemory, invalid: Int, next: Int) {
    var memory = LedgerMemory(.init(keys: keys))
    var file = try LedgerFile(path, scanBytes: bytes)
    let invalid = try file.readNew(newestFinished: keys) { records in
      for record in records { memory.apply(record, now: 1) }
    }
    var next = 0
    _ = try file.readNew(newestFinished: keys) { next += $0.count }
    return (memory, invalid, next)
  }

  private func summary(_ memory: LedgerMemory) -> [String] {
    memory.records.map { record in
      var writer = JSONWriter()
      record.write(to: &writer)
      return String(decoding: writer.bytes, as: UTF8.self)
    }
  }

  @Test(arguments: [10, 1_000, .max]) func `scanning gives what reading gives`(keys: Int) throws {
    var random = SystemRandomNumberGenerator()
    for end in ["", #"{"key":"half"#, "\n"] {
      state.write(history(lines: 1_500, &random) + end)
      let scanned = try read(state.ledger, scanFrom: 1, keys: keys)
      let read = try read(state.ledger, scanFrom: .max, keys: keys)
      // The order of keys that were only started is no part of what is known.
      #expect(summary(scanned.memory).sorted() == summary(read.memory).sorted())
      #expect(scanned.memory.count > 0)
      #expect((scanned.invalid, scanned.next) == (read.invalid, 0))
    }
  }

  /// Lines that have the layout of a record and are none must not hide the start of a key: its command would
  /// run once more.
  @Test(arguments: [
    #""time":999999999999999,"end":"unknown"}"#, #""time":1767225600000,"end":"done","result":}"#,
    #""time":1767225600000,"end":"started"}}"#,
  ]) func `an invalid line hides no record`(end: String) throws {
    let record = #"{"key":"\#(name(1))","call":"\#(String(repeating: "c", count: 64))","#
    state.write(record + #""time":1767225600000,"end":"started"}"# + "\n" + record + end + "\n")
    let scanned = try read(state.ledger, scanFrom: 1, keys: 10)
    let read = try read(state.ledger, scanFrom: .max, keys: 10)
    #expect(scanned.memory.count == 1)
    #expect(summary(scanned.memory) == summary(read.memory))
    #expect((scanned.invalid, read.invalid) == (1, 1))
  }

  @Test func `a file with keys that are no digests is read line by line`() throws {
    state.write(
      #"{"key":"a","call":"b","time":1767225600000,"end":"started"}"# + "\n"
        + #"{"key":"\#(name(1))","call":"b","time":1767225600000,"end":"unknown"}"# + "\n")
    let scanned = try read(state.ledger, scanFrom: 1, keys: 10)
    #expect(scanned.memory.count == 2)
  }
}
