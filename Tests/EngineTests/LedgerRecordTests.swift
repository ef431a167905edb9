import JSON
import Testing

@testable import Engine

@Suite struct LedgerRecordTests {
  private func read(_ line: String) -> LedgerRecord? { read(Array(line.utf8)) }

  private func read(_ line: [UInt8]) -> LedgerRecord? {
    line.withUnsafeBytes { LedgerRecord(line: $0) }
  }

  private func text(_ end: LedgerRecord.End) -> String {
    switch end {
    case .started: "started"
    case .unknown: "unknown"
    case .notApplied: "not_applied"
    case .done(let result): "done \(result.fragment?.text ?? "damaged")"
    }
  }

  @Test(arguments: ["started", "unknown", "not_applied", #"done {"return_data":"a\"b"}"#])
  func `a written record is read back`(expected: String) throws {
    let end: LedgerRecord.End =
      switch expected {
      case "started": .started
      case "unknown": .unknown
      case "not_applied": .notApplied
      default:
        .done(LedgerResult(JSONFragment { $0.object { $0.member("return_data", "a\"b") } }))
      }
    var writer = JSONWriter()
    LedgerRecord(name: "0a", call: "1b", time: 17, end: end).write(to: &writer)
    let line = writer.bytes
    #expect(line.last == 0x0A)
    let record = try #require(read(Array(line.dropLast())))
    #expect((record.name, record.call, record.time) == ("0a", "1b", 17))
    #expect(text(record.end) == expected)
  }

  @Test(arguments: [
    #"{"key":"k","call":"c","time":5,"end":"started"}"#,
    #"{ "end":"started", "time":5, "key":"k", "call":"c" }"#,
    #"{"key":"\u006b","call":"c","time":5,"end":"started","more":[1]}"#,
  ])
  func `a record of another layout is read`(line: String) throws {
    let record = try #require(read(line))
    #expect((record.name, record.call, record.time) == ("k", "c", 5))
  }

  @Test(arguments: [
    "-9223372036854775808", "9223372036854775807", "-1", "4102444800001", "99999999999999999999",
    "1e300", "1.5", "null", "\"5\"",
  ])
  func `a time beyond all reason makes a line invalid`(time: String) {
    for key in ["0a", "k"] {
      #expect(read(#"{"key":"\#(key)","call":"0b","time":\#(time),"end":"started"}"#) == nil)
    }
  }

  @Test func `the limits of the time are valid`() {
    for time in ["0", "4102444800000"] {
      #expect(read(#"{"key":"0a","call":"0b","time":\#(time),"end":"started"}"#) != nil)
    }
  }

  @Test func `every torn line is invalid or damaged, and none is a trap`() {
    let line = #"{"key":"0a","call":"0b","time":5,"end":"done","result":{"a":[{"b":1}]}}"#
    for count in 0..<line.utf8.count {
      guard let record = read(Array(line.utf8.prefix(count))) else { continue }
      guard case .done(let result) = record.end else {
        Issue.record("a torn line is a record with another end: \(count)")
        continue
      }
      #expect(result.fragment == nil)
    }
  }

  @Test func `binary garbage is invalid`() {
    for bytes: [UInt8] in [[0], [0xFF, 0xFE], Array(repeating: 0x7B, count: 5_000), [0x22]] {
      #expect(read(bytes) == nil)
    }
  }

  @Test func `a damaged result is written as an unknown outcome`() {
    let line = #"{"key":"0a","call":"0b","time":5,"end":"done","result":{"a":}"#
    var writer = JSONWriter()
    read(line)?.write(to: &writer)
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"key":"0a","call":"0b","time":5,"end":"unknown"}"# + "\n")
  }
}
