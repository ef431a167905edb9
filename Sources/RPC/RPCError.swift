import Basics
import JSON

/// The error of a response (JSON-RPC 2.0 section 5.1).
package struct RPCError: Error, Sendable {
  /// Codes of the specification, one of its server range, and one of the Language Server Protocol.
  package struct Code: RawRepresentable, Equatable, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let parseError = Code(rawValue: -32700)
    package static let invalidRequest = Code(rawValue: -32600)
    package static let methodNotFound = Code(rawValue: -32601)
    package static let invalidParams = Code(rawValue: -32602)
    /// A command ran and failed.
    package static let commandFailed = Code(rawValue: -32000)
    package static let requestCancelled = Code(rawValue: -32800)
  }

  package var code: Code
  /// A sentence for people.
  package var message: String
  package var data: JSONFragment?
  /// The secrets that are redacted in `data`. The message is never a vendor's.
  package var redaction: FrameWriter.Redaction

  package init(
    _ code: Code, _ message: String, data: JSONFragment? = nil,
    redaction: FrameWriter.Redaction = .ownText
  ) {
    self.code = code
    self.message = message
    self.data = data
    self.redaction = redaction
  }

  /// The error for a line that is not a request.
  ///
  /// - Parameters:
  ///   - line: the line number, from 1.
  ///   - offset: the position in the line in bytes, from 0.
  package static func line(
    _ code: Code, _ message: String, line: Int, offset: Int, remedy: String? = nil
  ) -> RPCError {
    RPCError(
      code, message,
      data: JSONFragment { writer in
        writer.object {
          $0.member("line", line)
          $0.member("offset", offset)
          $0.member(ifPresent: "remedy", remedy)
        }
      })
  }
}
