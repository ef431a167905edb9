import Basics
import JSON
import Redaction

/// One message of the host, redacted, on one line.
///
/// Only a `FrameWriter` creates frames, and the output and batches accept nothing else. So no message
/// is sent unredacted by accident.
package struct Frame: Sendable {
  /// With its line end, so that the output needs no copy of it.
  fileprivate let line: SharedBytes

  fileprivate init(_ writer: consuming JSONWriter) {
    writer.endLine()
    line = writer.share()
  }

  /// In bytes, without the line end.
  var count: Int { line.count - 1 }

  /// Calls `body` with the message, without the line end.
  fileprivate func withMessage<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    line.withBytes { body(UnsafeBufferPointer(rebasing: $0.dropLast())) }
  }
}

/// Creates frames.
package struct FrameWriter: Sendable {
  /// Whose secrets are redacted in a frame before it is sent, and where. The layout is that of the
  /// result, of the data of an error, or of the params.
  package enum Redaction: Sendable {
    /// Nothing is redacted: the text is the host's, or the caller sent it in this request, or it is
    /// the content of a file. Redacting it would let the caller guess secrets.
    case ownText
    /// The text is a vendor's. The secrets are those of its connection.
    case secrets(of: RedactionScope, MessageLayout = .foreign)
    /// The secrets are all that the process knows.
    case everySecret(MessageLayout = .foreign)
  }

  private let redactor: Redactor

  package init(redactor: Redactor) { self.redactor = redactor }

  /// A response with a result (JSON-RPC 2.0 section 5).
  ///
  /// - Parameter write: writes exactly one value.
  package func result(
    _ id: RequestID, redaction: Redaction, write: (inout JSONWriter) -> Void
  ) -> Frame {
    var writer = JSONWriter(capacity: 1_024)
    Self.writeResult(id, to: &writer, write)
    return frame(writer, redaction)
  }

  /// A response with a result of the host's own text. Nothing in it is redacted.
  func ownResult(_ id: RequestID, _ result: JSONFragment) -> SharedResult {
    var start = JSONWriter(capacity: 128)
    Self.openResult(id, to: &start)
    return SharedResult(start: start.bytes, result: result)
  }

  /// A response with an error.
  ///
  /// - Parameter id: nil to omit it, for a client that does not accept a null id.
  package func error(_ id: RequestID?, _ error: RPCError) -> Frame {
    var writer = JSONWriter(capacity: 1_024)
    Self.writeError(id, error, to: &writer)
    return frame(writer, error.redaction)
  }

  /// A notification without params.
  package func notification(_ method: StaticString) -> Frame {
    var writer = JSONWriter(capacity: 128)
    writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      writer.name("method")
      writer.string(literal: method)
    }
    return Frame(writer)
  }

  /// - Parameter write: writes the params.
  package func notification(
    _ method: StaticString, redaction: Redaction, params write: (inout JSONWriter) -> Void
  ) -> Frame {
    var writer = JSONWriter(capacity: 512)
    Self.writeNotification(method, to: &writer, write)
    return frame(writer, redaction)
  }

  /// A request that the host sends to its client.
  package func request(
    _ id: String, _ method: StaticString, redaction: Redaction,
    params write: (inout JSONWriter) -> Void
  ) -> Frame {
    var writer = JSONWriter(capacity: 512)
    writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      writer.member("id", id)
      writer.name("method")
      writer.string(literal: method)
      writer.name("params")
      write(&writer)
    }
    return frame(writer, redaction)
  }

  private func frame(_ writer: consuming JSONWriter, _ redaction: Redaction) -> Frame {
    if let redacted = writer.withBytes({ replacement(for: $0, redaction) }) {
      return Frame(redacted)
    }
    return Frame(writer)
  }

  /// The redacted message; nil if it contains no secret.
  private func replacement(
    for bytes: UnsafeBufferPointer<UInt8>, _ redaction: Redaction
  ) -> JSONWriter? {
    switch redaction {
    case .ownText: nil
    case .secrets(let scope, let layout):
      scope.search.replacement(json: bytes, Self.envelope(of: layout))
    case .everySecret(let layout):
      redactor.search.replacement(json: bytes, Self.envelope(of: layout))
    }
  }

  /// The members of a message (JSON-RPC 2.0 sections 4 and 5). The id stays as the client sent it.
  private static func envelope(of content: MessageLayout) -> MessageLayout {
    .object([
      "jsonrpc": .own, "id": .own, "method": .own, "result": content, "params": content,
      "error": .object(["code": .own, "message": .own, "data": content]),
    ])
  }

  // MARK: Into a buffer

  /// Appends a response with a result to a buffer, without an allocation for the frame.
  package func result(
    _ id: RequestID, redaction: Redaction, into buffer: inout FrameBuffer,
    write: (inout JSONWriter) -> Void
  ) {
    append(to: &buffer, redaction) { Self.writeResult(id, to: &$0, write) }
  }

  /// Appends a notification to a buffer, without an allocation for the frame.
  ///
  /// - Parameter write: writes the params.
  package func notification(
    _ method: StaticString, redaction: Redaction, into buffer: inout FrameBuffer,
    params write: (inout JSONWriter) -> Void
  ) {
    append(to: &buffer, redaction) { Self.writeNotification(method, to: &$0, write) }
  }

  private func append(
    to buffer: inout FrameBuffer, _ redaction: Redaction, _ write: (inout JSONWriter) -> Void
  ) {
    let start = buffer.lines.count
    write(&buffer.lines)
    let replacement = buffer.lines.withBytes { bytes in
      self.replacement(for: UnsafeBufferPointer(rebasing: bytes[start...]), redaction)
    }
    if let replacement {
      buffer.lines.truncate(to: start)
      buffer.append(Frame(replacement))
    } else {
      buffer.lines.endLine()
    }
  }

  // MARK: Messages

  private static func writeResult(
    _ id: RequestID, to writer: inout JSONWriter, _ write: (inout JSONWriter) -> Void
  ) {
    openResult(id, to: &writer)
    write(&writer)
    writer.closeObject()
  }

  /// Writes what precedes the result.
  private static func openResult(_ id: RequestID, to writer: inout JSONWriter) {
    writer.openObject()
    // Names as part of the literals, for speed.
    writer.literal(#""jsonrpc":"2.0","id":"#)
    id.write(to: &writer)
    writer.literal(#""result":"#)
  }

  private static func writeNotification(
    _ method: StaticString, to writer: inout JSONWriter, _ write: (inout JSONWriter) -> Void
  ) {
    writer.object { writer in
      writer.literal(#""jsonrpc":"2.0""#)
      writer.name("method")
      writer.string(literal: method)
      writer.name("params")
      write(&writer)
    }
  }

  private static func writeError(
    _ id: RequestID?, _ error: RPCError, to writer: inout JSONWriter
  ) {
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
}

/// Frames with their line ends, collected by one thread and sent together.
package struct FrameBuffer: ~Copyable {
  /// Separates values by their line ends.
  fileprivate var lines: JSONWriter

  package init(capacity: Int) { lines = JSONWriter(capacity: capacity) }

  package var count: Int { lines.count }
  package var isEmpty: Bool { lines.count == 0 }

  package mutating func append(_ frame: Frame) {
    frame.withMessage { lines.value(trusted: $0) }
    lines.endLine()
  }

  package mutating func removeAll() { lines.removeAll() }

  /// Calls `body` with the lines, which are valid only during the call.
  borrowing func withLines<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    lines.withBytes(body)
  }
}

/// A response as a line whose result is shared, because it is kept and sent many times.
struct SharedResult: Sendable {
  /// What the output writes, in order.
  let pieces: [[UInt8]]

  fileprivate init(start: [UInt8], result: JSONFragment) {
    pieces = [start, result.bytes, Array("}\n".utf8)]
  }
}

/// Lines of frames. The output writes nothing else, except shared results.
struct FrameLines: Sendable {
  let bytes: SharedBytes

  init(_ frame: Frame) { bytes = frame.line }

  /// The responses of a batch as one array (JSON-RPC 2.0 section 6).
  init(batch frames: [Frame]) {
    var line = JSONWriter(capacity: frames.reduce(2) { $0 + $1.count + 1 })
    line.array { line in
      for frame in frames { frame.withMessage { line.value(trusted: $0) } }
    }
    line.endLine()
    bytes = line.share()
  }
}
