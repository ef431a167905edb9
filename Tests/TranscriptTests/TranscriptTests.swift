import Basics
import Foundation
import JSON
import Testing

@Suite(.serialized) struct TranscriptTests {
  private static let folder = HostProcess.checkout.appendingPathComponent("protocol/transcripts")

  private static let names: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  private func transcript(_ name: String) throws -> Transcript {
    let url = Self.folder.appendingPathComponent(name)
    return try Transcript(String(decoding: Data(contentsOf: url), as: UTF8.self))
  }

  @Test func `transcripts exist, and each names the paragraphs that it verifies`() throws {
    #expect(Self.names.count >= 30)
    for name in Self.names { #expect(try !transcript(name).proves.isEmpty, "\(name)") }
  }

  @Test(
    .enabled(
      if: HostProcess.isBuilt,
      "the executable is not built: sh Sources/build.sh"),
    arguments: names)
  func `the host follows the transcript`(name: String) throws {
    let transcript = try transcript(name)
    let host = try HostProcess(transcript.arguments)
    defer { host.close() }
    var player = Player(host)
    do {
      try player.play(transcript.steps)
    } catch {
      Issue.record("\(name): \(error)\nstderr: \(host.errorText)")
    }
  }
}

@Suite struct GrammarTests {
  @Test func `a transcript is parsed step by step`() throws {
    let transcript = try Transcript(
      #"""
      # Prose.
      proves 2.1 3.2
      args --sandbox --sandbox-fault 'coda: 429 on GET /'

      -> {"id":"${A}"}
      raw a\r\n\x00\\
      <- nothing
      unordered
      <- {"a":1}
      <= x  y
      end
      keep A /result/0/id
      signal TERM
      hang up
      exit 4
      """#)
    #expect(transcript.proves == ["2.1", "3.2"])
    #expect(
      transcript.arguments == ["--sandbox", "--sandbox-fault", "coda: 429 on GET /"])
    #expect(
      transcript.steps == [
        Step(line: 5, action: .send(Step.Text(source: #"{"id":"${A}"}"#))),
        Step(line: 6, action: .send(Step.Text(source: #"a\r\n\x00\\"#, isRaw: true))),
        Step(line: 7, action: .expectNothing),
        Step(line: 8, action: .expectUnordered([.json(#"{"a":1}"#), .line("x  y")])),
        Step(line: 12, action: .keep(name: "A", pointer: ["result", "0", "id"])),
        Step(line: 13, action: .signal(SIGTERM)),
        Step(line: 14, action: .hangUp),
        Step(line: 15, action: .exit(4)),
      ])
  }

  @Test func `sent text has its line end, its escapes and kept values`() {
    #expect(
      Step.Text(source: #"{"a":"${A}"}"#).bytes(["A": "é"]) == Array("{\"a\":\"é\"}\n".utf8))
    #expect(Step.Text(source: #"\xFF\r\\n"#, isRaw: true).bytes([:]) == [0xFF, 0x0D, 0x5C, 0x6E])
    #expect(Step.Text(source: #"\q"#, isRaw: true).bytes([:]) == nil)
    #expect(Step.Text(source: #"\x0"#, isRaw: true).bytes([:]) == nil)
  }

  @Test(arguments: [
    ("say hello", 1), ("-> a\nargs --sandbox", 2), ("-> a\nproves 2.1", 2), ("exit now", 1),
    ("signal KILL", 1), ("keep A", 1), ("end", 1), ("unordered\n<- 1", 1),
    ("unordered\n-> a\nend", 2), ("args 'a", 1), ("hang on", 1), ("eof now", 1),
  ])
  func `an invalid step is rejected with its line`(text: String, line: Int) {
    let error = #expect(throws: GrammarError.self) { try Transcript(text) }
    #expect(error?.line == line)
  }

  @Test(arguments: [
    (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, true), (#"{"a":1}"#, #"{"a":1.0}"#, false),
    (#"{"a":"…"}"#, #"{"a":[1]}"#, true), (#"{"a":1,"…":"…"}"#, #"{"a":1,"b":2}"#, true),
    (#"{"a":1}"#, #"{"a":1,"b":2}"#, false), (#"{"a":1}"#, "{}", false),
    (#""x…z""#, #""xyz""#, true), (#""x…z""#, #""xy""#, false), (#""x…x""#, #""x""#, false),
    (#""…b…d…""#, #""abcde""#, true), (#""…d…b…""#, #""abcde""#, false),
    ("[1]", "[1,2]", false), (#"["…"]"#, "[]", false), (#""1""#, "1", false),
    ("1", #""1""#, false), ("null", "false", false), ("true", "1", false),
    (#""a.c""#, #""abc""#, false), (#""é""#, "\"e\u{301}\"", false), (#""\u00e9""#, #""é""#, true),
  ])
  func `comparison follows the grammar`(expected: String, got: String, isEqual: Bool) throws {
    let difference = Comparison.difference(try JSON.parse(expected), try JSON.parse(got))
    #expect((difference == nil) == isEqual)
  }
}
