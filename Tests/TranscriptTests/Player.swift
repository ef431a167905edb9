import Basics
import JSON

/// Plays one transcript against one host.
struct Player {
  private let host: HostProcess
  private var kept: [String: String] = [:]
  private var lastLine: [UInt8] = []
  private var silences = 0

  init(_ host: HostProcess) { self.host = host }

  /// - Throws: the first step from which the host deviates.
  mutating func play(_ steps: [Step]) throws(Mismatch) {
    for step in steps {
      do throws(Mismatch) {
        try perform(step.action)
      } catch {
        throw Mismatch("line \(step.line): \(error)")
      }
    }
    guard case .exit = steps.last?.action else {
      host.closeInput()
      return try expectEnd(0)
    }
  }

  private mutating func perform(_ action: Step.Action) throws(Mismatch) {
    switch action {
    case .send(let text):
      guard let bytes = text.bytes(kept) else { throw Mismatch("invalid escape") }
      try host.send(bytes)
    case .expect(let expectation): try expect([expectation])
    case .expectUnordered(let expectations): try expect(expectations)
    case .expectNothing: try expectNothing()
    case .keep(let name, let pointer): kept[name] = try value(at: pointer)
    case .standardError(let text): try host.expectError(text.source.filled(kept))
    case .signal(let number): host.signal(number)
    case .hangUp: host.closeOutput()
    case .endInput: host.closeInput()
    case .exit(let status): try expectEnd(status)
    }
  }

  /// Reads one line per expectation, in any order.
  private mutating func expect(_ expectations: [Step.Expectation]) throws(Mismatch) {
    var left = expectations
    while !left.isEmpty {
      guard let line = try host.readLine() else { throw Mismatch("the output has ended") }
      lastLine = line
      var differences: [String] = []
      var found: Int?
      for (position, expectation) in left.enumerated() where found == nil {
        if let difference = try difference(expectation, line) {
          differences.append(difference)
        } else {
          found = position
        }
      }
      guard let found else {
        let text = String(decoding: line, as: UTF8.self)
        throw Mismatch("\(text)\n\(differences.joined(separator: "\n"))")
      }
      left.remove(at: found)
    }
  }

  private func difference(
    _ expectation: Step.Expectation, _ line: [UInt8]
  ) throws(Mismatch) -> String? {
    switch expectation {
    case .line(let text):
      let text = text.filled(kept)
      return Array(text.utf8) == line ? nil : "expected \(text)"
    case .json(let text):
      guard let expected = try? JSON.parse(text.filled(kept)) else {
        throw Mismatch("expected JSON in the transcript")
      }
      guard let got = try? JSON.parse(line) else { return "not JSON" }
      return Comparison.difference(expected, got)
    }
  }

  private mutating func expectNothing() throws(Mismatch) {
    silences += 1
    let id = #""silence \#(silences)""#
    try host.send(Array(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#.utf8) + [0x0A])
    try expect([.line(#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)])
  }

  private func value(at pointer: [String]) throws(Mismatch) -> String {
    var value = try? JSON.parse(lastLine)
    for part in pointer {
      value = value?.kind == .array ? Int(part).flatMap { value?[$0] } : value?[part]
    }
    guard let text = value?.string else {
      throw Mismatch("no string at /\(pointer.joined(separator: "/"))")
    }
    return text
  }

  private func expectEnd(_ status: Int32) throws(Mismatch) {
    let ended = try host.end()
    if let line = try host.readLine() {
      throw Mismatch("unexpected line: \(String(decoding: line, as: UTF8.self))")
    }
    guard ended == status else { throw Mismatch("exit status \(ended), expected \(status)") }
  }
}
