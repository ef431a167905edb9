import Foundation
import JSON

/// A conversation with the host, in the grammar of `protocol/transcripts/README.md`.
struct Transcript {
  /// Options of `serve`.
  var arguments: [String] = []
  /// The paragraphs of the protocol that the transcript verifies.
  var proves: [String] = []
  var steps: [Step] = []
}

/// One step and its line.
struct Step: Equatable {
  enum Action: Equatable {
    /// Bytes to the host, including the line end if there is one.
    case send(Text)
    case expect(Expectation)
    case expectNothing
    /// Each of these once, in any order.
    case expectUnordered([Expectation])
    case keep(name: String, pointer: [String])
    case standardError(Text)
    case signal(Int32)
    case hangUp
    case endInput
    case exit(Int32)
  }

  /// Text in which `${NAME}` is replaced with a kept value, as a line or raw.
  struct Text: Equatable {
    let source: String
    var isRaw = false
  }

  enum Expectation: Equatable {
    /// JSON, compared by structure.
    case json(String)
    /// A line, compared byte for byte.
    case line(String)
  }

  /// From 1.
  let line: Int
  let action: Action
}

struct GrammarError: Error, Equatable, CustomStringConvertible {
  let line: Int
  let reason: String
  var description: String { "line \(line): \(reason)" }
}

extension Transcript {
  init(_ text: String) throws(GrammarError) {
    var group: (line: Int, expectations: [Step.Expectation])?
    for (position, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      let number = position + 1
      guard !line.hasPrefix("#"), line.contains(where: { $0 != " " }) else { continue }
      let space = line.firstIndex(of: " ") ?? line.endIndex
      let (word, rest) = (line[..<space], String(line[space...].dropFirst()))
      switch word {
      case "proves" where steps.isEmpty && group == nil:
        proves += rest.split(separator: " ").map(String.init)
      case "args" where steps.isEmpty && group == nil && arguments.isEmpty:
        arguments = try Self.words(rest, number)
      case "unordered" where group == nil: group = (number, [])
      case "end":
        guard let ended = group else {
          throw GrammarError(line: number, reason: "end without unordered")
        }
        steps.append(Step(line: ended.line, action: .expectUnordered(ended.expectations)))
        group = nil
      default:
        let action = try Self.action(String(word), rest, number)
        guard group != nil else {
          steps.append(Step(line: number, action: action))
          continue
        }
        guard case .expect(let expectation) = action else {
          throw GrammarError(line: number, reason: "\(word) is not allowed here")
        }
        group?.expectations.append(expectation)
      }
    }
    if let group { throw GrammarError(line: group.line, reason: "unordered without end") }
  }

  private static func action(
    _ word: String, _ text: String, _ line: Int
  ) throws(GrammarError) -> Step.Action {
    switch (word, text) {
    case ("->", _): return .send(Step.Text(source: text))
    case ("raw", _): return .send(Step.Text(source: text, isRaw: true))
    case ("<-", "nothing"): return .expectNothing
    case ("<-", _): return .expect(.json(text))
    case ("<=", _): return .expect(.line(text))
    case ("stderr", _): return .standardError(Step.Text(source: text))
    case ("signal", "TERM"): return .signal(SIGTERM)
    case ("signal", "INT"): return .signal(SIGINT)
    case ("hang", "up"): return .hangUp
    case ("eof", ""): return .endInput
    case ("exit", _):
      if let status = Int32(text) { return .exit(status) }
    case ("keep", _):
      let parts = text.split(separator: " ")
      if parts.count == 2, parts[1].hasPrefix("/") {
        let pointer = parts[1].dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return .keep(name: String(parts[0]), pointer: pointer.map(String.init))
      }
    default: break
    }
    throw GrammarError(line: line, reason: "unknown step: \(word) \(text)")
  }

  /// Splits at spaces; `'…'` joins several words.
  private static func words(_ text: String, _ line: Int) throws(GrammarError) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in text {
      switch character {
      case "'":
        isQuoted.toggle()
        word = word ?? ""
      case " " where !isQuoted:
        if let word { words.append(word) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    guard !isQuoted else { throw GrammarError(line: line, reason: "unterminated quote") }
    return words + (word.map { [$0] } ?? [])
  }
}

extension Step.Text {
  /// The bytes to send; nil for an invalid escape.
  func bytes(_ kept: [String: String]) -> [UInt8]? {
    let filled = source.filled(kept)
    return isRaw ? Self.unescaped(Array(filled.utf8)) : Array(filled.utf8) + [0x0A]
  }

  private static func unescaped(_ text: [UInt8]) -> [UInt8]? {
    let single: [UInt8: UInt8] = [
      UInt8(ascii: "r"): 0x0D, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09,
      UInt8(ascii: "\\"): 0x5C,
    ]
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let kind = rest.popFirst() else { return nil }
      if let value = single[kind] {
        bytes.append(value)
      } else if kind == UInt8(ascii: "x"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        return nil
      }
    }
    return bytes
  }
}

extension String {
  /// The text with the kept values inserted.
  func filled(_ kept: [String: String]) -> String {
    kept.reduce(self) { text, entry in
      text.replacingOccurrences(of: "${\(entry.key)}", with: entry.value)
    }
  }
}
