import Basics
import JSON
import RPC
import Testing

@Suite struct FrameTests {
  private func written(_ write: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    write(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private func id(_ text: String) throws -> RequestID {
    try #require(RequestID(try JSON.parse(text)))
  }

  @Test func `a result is one line with the id of the request`() throws {
    let id = try id(#""caf\u00e9""#)
    let text = written { writer in
      Frame.result(id, into: &writer) { writer in writer.object { $0.member("a", "b\n") } }
    }
    #expect(text == #"{"jsonrpc":"2.0","id":"caf\u00e9","result":{"a":"b\n"}}"#)
  }

  @Test(arguments: [
    (nil, #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no \"JSON\"\u2028"}}"#),
    (
      #"{"line":3}"#,
      #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no \"JSON\"\u2028","data":{"line":3}}}"#
    ),
  ])
  func `an error has a code, a message and optional data`(
    data: String?, expected: String
  ) {
    let error = RPCError(
      .parseError, "no \"JSON\"\u{2028}", data: data.map { JSONFragment(trusted: Array($0.utf8)) })
    #expect(written { Frame.error(.null, error, into: &$0) } == expected)
  }

  @Test func `a notification has no id`() {
    let text = written { writer in
      Frame.notification("invoke/item", into: &writer) { writer in
        writer.object { $0.member("seq", 0) }
      }
    }
    #expect(text == #"{"jsonrpc":"2.0","method":"invoke/item","params":{"seq":0}}"#)
  }

  @Test func `frames are written in a batch and on separate lines`() throws {
    let ids = try ["1", "2"].map { try id($0) }
    let batch = written { writer in
      writer.array { writer in
        for id in ids { Frame.result(id, into: &writer) { $0.null() } }
      }
    }
    #expect(
      batch
        == #"[{"jsonrpc":"2.0","id":1,"result":null},{"jsonrpc":"2.0","id":2,"result":null}]"#)
    let lines = written { writer in
      for id in ids {
        Frame.result(id, into: &writer) { $0.bool(true) }
        writer.endLine()
      }
    }
    #expect(
      lines == """
        {"jsonrpc":"2.0","id":1,"result":true}
        {"jsonrpc":"2.0","id":2,"result":true}

        """)
  }

  @Test(arguments: [
    (nil, #"{"line":3,"offset":7}"#), ("Look.", #"{"line":3,"offset":7,"remedy":"Look."}"#),
  ])
  func `the error of a line contains its position`(remedy: String?, data: String) {
    let error = RPCError.line(.invalidRequest, "wrong", line: 3, offset: 7, remedy: remedy)
    #expect(error.code.rawValue == -32_600)
    #expect(error.data?.text == data)
  }
}
