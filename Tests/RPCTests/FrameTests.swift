import Basics
import JSON
import Redaction
import Testing

@testable import RPC

@Suite struct FrameTests {
  private let frames = FrameWriter(redactor: Redactor())

  private func id(_ text: String) throws -> RequestID {
    try #require(RequestID(try JSON.parse(text)))
  }

  private func line(_ frame: Frame) -> String {
    FrameLines(frame).bytes.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func `a result is one line with the caller's id`() throws {
    let frame = frames.result(try id(#""caf\u00e9""#), redaction: .ownText) { writer in
      writer.object { $0.member("a", "b\n") }
    }
    #expect(line(frame) == #"{"jsonrpc":"2.0","id":"caf\u00e9","result":{"a":"b\n"}}"# + "\n")
  }

  @Test(arguments: [
    (nil, #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no \"JSON\"\u2028"}}"#),
    (
      #"{"line":3}"#,
      #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no \"JSON\"\u2028","data":{"line":3}}}"#
    ),
  ])
  func `an error has a code, a message, and data if there is some`(
    data: String?, expected: String
  ) {
    let error = RPCError(
      .parseError, "no \"JSON\"\u{2028}", data: data.map { JSONFragment(trusted: Array($0.utf8)) })
    #expect(line(frames.error(.null, error)) == expected + "\n")
  }

  @Test func `an error may omit its id`() {
    let frame = frames.error(nil, RPCError(.parseError, "no"))
    #expect(line(frame) == #"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"# + "\n")
  }

  @Test func `a notification has no id`() {
    let frame = frames.notification("invoke/item", redaction: .ownText) { writer in
      writer.object { $0.member("seq", 0) }
    }
    #expect(line(frame) == #"{"jsonrpc":"2.0","method":"invoke/item","params":{"seq":0}}"# + "\n")
    #expect(line(frames.notification("a/b")) == #"{"jsonrpc":"2.0","method":"a/b"}"# + "\n")
  }

  @Test func `frames join into a batch, and into lines`() throws {
    let results = try ["1", "2"].map {
      try frames.result(id($0), redaction: .ownText) { $0.null() }
    }
    #expect(
      FrameLines(batch: results).bytes.withBytes { String(decoding: $0, as: UTF8.self) }
        == #"[{"jsonrpc":"2.0","id":1,"result":null},{"jsonrpc":"2.0","id":2,"result":null}]"#
        + "\n")
    var buffer = FrameBuffer(capacity: 16)
    for frame in results { buffer.append(frame) }
    #expect(
      buffer.withLines { String(decoding: $0, as: UTF8.self) }
        == results.map(line).joined())
  }

  @Test func `a shared result is the same line as a copied one`() throws {
    let id = try id(#""caf\u00e9""#)
    let result = JSONFragment { $0.string("text") }
    let copied = frames.result(id, redaction: .ownText) { $0.value(result) }
    let pieces = frames.ownResult(id, result).pieces
    #expect(String(decoding: pieces.joined(), as: UTF8.self) == line(copied))
  }

  @Test func `a secret is redacted in every frame, and in a buffer`() throws {
    let redactor = Redactor()
    redactor.add("hunter22")
    let frames = FrameWriter(redactor: redactor)
    let id = try id("1")
    let write: (inout JSONWriter) -> Void = { $0.string("it is hunter22") }
    var buffer = FrameBuffer(capacity: 16)
    frames.result(id, redaction: .everySecret(), into: &buffer, write: write)
    let lines = [
      line(frames.result(id, redaction: .everySecret(), write: write)),
      line(frames.notification("a", redaction: .everySecret(), params: write)),
      line(frames.request("q", "a", redaction: .everySecret(), params: write)),
      line(
        frames.error(
          id,
          RPCError(
            .commandFailed, "no", data: JSONFragment { $0.string("it is hunter22") },
            redaction: .everySecret()))),
      buffer.withLines { String(decoding: $0, as: UTF8.self) },
    ]
    for line in lines {
      #expect(line.contains("it is [redacted]") && !line.contains("hunter22"), "\(line)")
    }
  }

  @Test func `what is the host's own is not searched`() throws {
    let redactor = Redactor()
    redactor.add("capabilities")
    let frame = FrameWriter(redactor: redactor).result(try id("1"), redaction: .ownText) {
      $0.string("capabilities")
    }
    #expect(line(frame).contains(#""capabilities""#))
  }
}
