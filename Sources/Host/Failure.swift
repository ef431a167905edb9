import Basics
import IntegrationKit
import JSON
import RPC

/// Turns what went wrong into the errors of the wire.
enum Failure {
  /// A command that failed: the documents' triple, and what a program decides by.
  static func command(_ error: CommandError, indicator: String) -> RPCError {
    RPCError(
      error.kind == .cancelled ? .requestCancelled : .commandFailed, indicator,
      data: JSONFragment { writer in
        writer.object {
          $0.member("return_data", "Failed")
          error.writeMembers(to: &$0, indicator: indicator)
        }
      })
  }

  /// Writes the documents' triple and the kind, as members.
  static func writeTriple(
    _ indicator: String, _ statusCode: Int, _ message: String, kind: CommandError.Kind,
    to writer: inout JSONWriter
  ) {
    writer.member("return_data", "Failed")
    writer.member("failure_indicator", indicator)
    writer.member("status_code", statusCode)
    writer.member("message", message)
    writer.member("kind", kind.rawValue)
  }
}
