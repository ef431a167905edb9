import JSON
import RPC

/// Lines, JSON and the form of a JSON-RPC message.
enum Framing {
  /// Small, so that inputs reach it.
  private static let maximumLine = 96
  nonisolated(unsafe) private static var parser = JSONParser(
    limits: JSONLimits(depth: 24, values: 64))

  static func run(_ input: UnsafeBufferPointer<UInt8>) {
    let whole = lines(input) { _ in input.count }
    var seed = input.seed
    let pieces = lines(input) { _ in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % 9 + 1
    }
    check(whole == pieces, "the lines depend on the sizes of the pieces")
    check(
      whole.reduce(0) { $0 + ($1.text?.count ?? $1.length) } <= input.count,
      "the lines have more bytes than the input")
    for line in whole {
      guard let text = line.text else {
        check(line.length > maximumLine, "a line within the limit is too long")
        continue
      }
      check(text.count <= maximumLine && !text.contains(0x0A), "a line beyond the limit")
      text.withUnsafeBufferPointer(message)
    }
    // Without lines: longer texts, and line feeds inside a value.
    message(input)
  }

  private struct Line: Equatable {
    /// Nil for a line that is too long.
    var text: [UInt8]?
    var length: Int
    var number: Int
  }

  private static func lines(
    _ input: UnsafeBufferPointer<UInt8>, size: (Int) -> Int
  ) -> [Line] {
    var lines: [Line] = []
    var splitter = LineSplitter(maximumBytes: maximumLine)
    func take(_ line: LineSplitter.Line, _ number: Int) {
      switch line {
      case .text(let text):
        lines.append(Line(text: Array(text), length: text.count, number: number))
      case .tooLong(let bytes): lines.append(Line(text: nil, length: bytes, number: number))
      }
    }
    var at = 0
    while at < input.count {
      let end = min(input.count, at + size(at))
      splitter.append(UnsafeBufferPointer(rebasing: input[at..<end]), take)
      at = end
    }
    splitter.finish(take)
    check(splitter.lineNumber == lines.count, "a line is not counted")
    return lines
  }

  private static func message(_ text: UnsafeBufferPointer<UInt8>) {
    let json: JSON
    do {
      json = try parser.parse(text)
    } catch {
      check((0...text.count).contains(error.offset), "the error is outside the text")
      return
    }
    // The parser may have used the memory of its last document again.
    guard let fresh = try? JSON.parse(text), fresh.hasSameSource(as: json) else {
      fatalError("a parser that is used again reads another value")
    }
    checkNames(json)
    let written = JSONFragment(json)
    check(!written.bytes.contains { $0 == 0x0A || $0 == 0x0D }, "a written value has two lines")
    guard let again = try? JSON.parse(written.bytes) else {
      fatalError("a written value is invalid")
    }
    check(JSONFragment(again).bytes == written.bytes, "a value changes when it is written again")
    check(
      JSONFragment(again).canonicalText == JSONFragment(json).canonicalText,
      "a written value is not equal to the value")
    if json.kind == .array {
      for element in json.elements { classify(element) }
    } else {
      classify(json)
    }
  }

  /// Names are compared by words, strings byte by byte.
  private static func checkNames(_ object: JSON) {
    let members = Array(object.members)
    for member in members {
      guard let bytes = member.name.stringBytes else { fatalError("a name is not a string") }
      // Equal names are equal bytes; an unpaired surrogate has no text.
      let name = String(decoding: bytes, as: UTF8.self)
      let last = members.last { $0.name.stringBytes == bytes }
      guard let selected = object.select(JSONNames("", name))[name.isEmpty ? 0 : 1],
        let found = object[name], let last
      else { fatalError("a member is not found by its name") }
      check(
        selected.offset == last.value.offset && found.offset == last.value.offset,
        "a name finds another member")
    }
  }

  private static func classify(_ json: JSON) {
    guard case .call(let call) = Message(json) else { return }
    guard let id = call.id else { return }
    var writer = JSONWriter()
    id.write(to: &writer)
    guard let again = (try? JSON.parse(writer.bytes)).flatMap(RequestID.init) else {
      fatalError("the id of a response is invalid")
    }
    check(again == id && again.hashValue == id.hashValue, "the id of a response is another id")
  }
}
