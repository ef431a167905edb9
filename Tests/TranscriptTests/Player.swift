import Basics
import JSON

/// Plays one transcript with one host.
struct Player {
  private let host: HostProcess
  private var kept: [String: String] = [:]
  private var lastLine: [UInt8] = []
  private var silences = 0

  init(_ host: HostProcess) { self.host = host }

  /// - Throws: the first step that the host does not keep to.
  mutating func play(_ steps: [Step]) throws(Fault) {
    for step in steps {
      do throws(Fault) {
        try perform(step.action)
      } catch {
        throw Fault("line \(step.line): \(error)")
      }
    }
    guard case .exit = steps.last?.action else {
      host.closeInput()
      return try expectEnd(0)
    }
  }

  private mutating func perform(_ action: Step.Action) throws(Fault) {
    switch action {
    case .send(let text):
      guard let bytes = text.bytes(kept) else { throw Fault("an escape that there is none of") }
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

  /// Reads a line for each of them, in any order.
  private mutating func expect(_ expectations: [Step.Expectation]) throws(Fault) {
    var left = expectations
    while !left.isEmpty {
      guard let line = try host.readLine() else { throw Fault("the output has ended") }
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
        throw Fault("\(text)\n\(differences.joined(separator: "\n"))")
      }
      left.remove(at: found)
    }
  }

  private func difference(
    _ expectation: Step.Expectation, _ line: [UInt8]
  ) throws(Fault) -> String? {
    switch expectation {
    case .line(let text):
      let text = text.filled(kept)
      return Array(text.utf8) == line ? nil : "expected \(text)"
    case .json(let text):
      guard let expected = try? JSON.parse(text.filled(kept)) else {
        throw Fault("the transcript has no JSON here")
      }
      guard let got = try? JSON.parse(line) else { return "no JSON" }
      return Comparison.difference(expected, got)
    }
  }

  private mutating func expectNothing() throws(Fault) {
    silences += 1
    let id = #""silence \#(silences)""#
    try host.send(Array(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#.utf8) + [0x0A])
    try expect([.line(#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)])
  }

  private func value(at pointer: [String]) throws(Fault) -> String {
    var value = try? JSON.parse(lastLine)
    for part in pointer {
      value = value?.kind == .array ? Int(part).flatMap { value?[$0] } : value?[part]
    }
    guard let text = value?.string else {
      throw Fault("there is no string at /\(pointer.joined(separator: "/"))")
    }
    return text
  }

  private func expectEnd(_ status: Int32) throws(Fault) {
    let ended = try host.end()
    if let line = try host.readLine() {
      throw Fault("it also said \(String(decoding: line, as: UTF8.self))")
    }
    guard ended == status else { throw Fault("it ended with \(ended), not \(status)") }
  }
}
