import Basics
import JSON

/// Messages the host sends, each one whole line.
package enum Frame {
  /// A response with a result. `writeResult` writes exactly one value.
  @inline(__always)
  package static func result(
    _ id: RequestID, into writer: inout JSONWriter,
    writeResult: (inout JSONWriter) throws -> Void
  ) rethrows {
    try writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      writer.name("id")
      id.write(to: &writer)
      writer.name("result")
      try writeResult(&writer)
    }
  }

  /// - Parameter id: nil to leave it out, as for a reader that takes null for no id.
  package static func error(_ id: RequestID?, _ error: RPCError, into writer: inout JSONWriter) {
    writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      if let id {
        writer.name("id")
        id.write(to: &writer)
      }
      writer.name("error")
      writer.object {
        $0.member("code", error.code.rawValue)
        $0.member("message", error.message)
        if let data = error.data { $0.member("data", data) }
      }
    }
  }

  package static func notification(
    _ method: StaticString, into writer: inout JSONWriter,
    writeParams: (inout JSONWriter) -> Void
  ) {
    writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      writer.name("method")
      writer.string("\(method)")
      writer.name("params")
      writeParams(&writer)
    }
  }
}
