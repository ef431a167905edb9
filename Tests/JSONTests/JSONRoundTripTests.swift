import TestSupport
import Testing

@testable import JSON

/// A JSON value without a text, and two independent ways to write it.
private indirect enum Model {
  case literal(String)
  case string(String)
  case array([Model])
  case object([(name: String, value: Model)])

  static func random(_ random: inout SeededGenerator, depth: Int) -> Model {
    switch random.pick(0...(depth == 0 ? 2 : 5)) {
    case 0:
      return .literal(
        random.pick(["null", "true", "false", "0", "-1.50", "1e400", "123456789012345678901"]))
    case 1, 2: return .string(text(&random))
    case 3: return .array((0..<random.pick(0...4)).map { _ in .random(&random, depth: depth - 1) })
    default:
      return .object(
        (0..<random.pick(0...4)).map { _ in (text(&random), .random(&random, depth: depth - 1)) })
    }
  }

  private static func text(_ random: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<random.pick(0...12) {
      text.unicodeScalars.append(
        random.pick([
          "a", "b", "c", "\"", "\\", "\n", "\u{7F}", "é", "\u{2028}", "\u{85}", "𝄞", "{",
        ]))
    }
    return text
  }

  func write(to writer: inout JSONWriter) {
    switch self {
    case .literal(let text): writer.value(JSONFragment(trusted: Array(text.utf8)))
    case .string(let text): writer.string(text)
    case .array(let elements):
      writer.array { for element in elements { element.write(to: &$0) } }
    case .object(let members):
      writer.object { writer in
        for member in members {
          writer.name(text: member.name)
          member.value.write(to: &writer)
        }
      }
    }
  }

  /// JSON with random space between tokens and random escapes.
  func loose(_ random: inout SeededGenerator) -> String {
    func space() -> String { random.pick(["", "", " ", "\n", "\r\n\t", "  "]) }
    func quoted(_ text: String) -> String {
      let body = text.unicodeScalars.map { scalar -> String in
        let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
        guard mustEscape || random.pick(0...3) == 0 else { return String(scalar) }
        return String(scalar).utf16.map { unit in
          let digits = String(unit, radix: 16, uppercase: Bool.random(using: &random))
          return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
      }
      return "\"\(body.joined())\""
    }
    let body =
      switch self {
      case .literal(let text): text
      case .string(let text): quoted(text)
      case .array(let elements):
        "[\(space())\(elements.map { $0.loose(&random) }.joined(separator: ","))]"
      case .object(let members):
        "{\(space())"
          + members.map { quoted($0.name) + space() + ":" + $0.value.loose(&random) }
          .joined(separator: ",\(space())") + "}"
      }
    return space() + body + space()
  }

  func equals(_ json: JSON) -> Bool {
    switch self {
    case .literal(let text): return json.sourceText == text
    case .string(let text): return json.stringBytes == Array(text.utf8)
    case .array(let elements):
      return json.kind == .array && json.count == elements.count
        && zip(elements, json.elements).allSatisfy { $0.equals($1) }
    case .object(let members):
      return json.kind == .object && json.count == members.count
        && zip(members, json.members).allSatisfy {
          $1.name.stringBytes == Array($0.name.utf8) && $0.value.equals($1.value)
        }
    }
  }
}

@Suite struct JSONRoundTripTests {
  @Test(arguments: 1...8)
  func `random documents round-trip`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let model = Model.random(&random, depth: 5)
      let written = JSONFragment { model.write(to: &$0) }
      let read = try JSON.parse(written.bytes)
      #expect(model.equals(read))
      #expect(JSONFragment(read) == written)

      let loose = model.loose(&random)
      let readLoosely = try JSON.parse(loose)
      #expect(model.equals(readLoosely), "\(loose)")
      let copied = JSONFragment(readLoosely)
      #expect(model.equals(copied.json), "\(loose)")
      #expect(!copied.bytes.contains(0x0A) && !copied.bytes.contains(0x0D))
      #expect(copied.canonicalText == written.canonicalText, "\(loose)")
    }
  }

  @Test func `a corrupted document is rejected or read, without a crash`() throws {
    var random = SeededGenerator(seed: 99)
    for _ in 0..<1_500 {
      let model = Model.random(&random, depth: 4)
      var bytes = JSONFragment { model.write(to: &$0) }.bytes
      for _ in 0..<random.pick(1...3) {
        let at = random.pick(0...(bytes.count - 1))
        switch random.pick(0...2) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(random.pick(Array("{}[]\",:\\\n0".utf8)), at: at)
        default: bytes.removeSubrange(at...)
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      do {
        let json = try JSON.parse(bytes)
        #expect(String(validating: bytes, as: UTF8.self) != nil)
        _ = JSONFragment(json).canonicalText
      } catch {
        #expect((0...bytes.count).contains(error.offset))
      }
    }
  }
}
