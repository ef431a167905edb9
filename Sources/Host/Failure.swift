import Basics
import Plugin
import RPC

/// Turns what went wrong into the errors of the wire.
enum Failure {
  /// A command that failed: the documents' triple, and what a program decides by.
  static func command(_ error: CommandError, indicator: String) -> RPCError {
    RPCError(
      error.kind == .cancelled ? .requestCancelled : .commandFailed, indicator,
      data: JSONFragment { writer in
        writer.object { writer in
          writeTriple(
            indicator, error.statusCode, error.message, kind: error.kind, to: &writer)
          writer.member("retryable", error.isRetryable)
          if let wait = error.retryAfterMilliseconds { writer.member("retry_after_ms", wait) }
          writer.member("outcome", error.outcome.rawValue)
          writer.member(ifPresent: "remedy", error.remedy)
          if let upstream = error.upstream { writer.member("upstream", upstream) }
        }
      })
  }

  /// Arguments that are wrong, all of them at once.
  ///
  /// - Parameter prefix: where the object that was read stands in `params`, such as `/arguments`.
  static func arguments(
    _ problems: ParameterProblems, prefix: String, indicator: String
  ) -> RPCError {
    RPCError(
      .invalidParams, indicator,
      data: JSONFragment { writer in
        writer.object { writer in
          writeTriple(indicator, 400, problems.message, kind: .validation, to: &writer)
          writer.member("retryable", false)
          writer.member("outcome", CommandError.Outcome.notApplied.rawValue)
          writer.name("problems")
          problems.write(to: &writer, prefix: prefix)
        }
      })
  }

  /// One fault in the parameters of a method.
  static func parameter(
    _ path: String, _ message: String, didYouMean: String? = nil, remedy: String? = nil,
    indicator: String = "Invalid params."
  ) -> RPCError {
    RPCError(
      .invalidParams, indicator,
      data: JSONFragment { writer in
        writer.object { writer in
          writeTriple(
            indicator, 400, sentence(path, message), kind: .validation, to: &writer)
          writer.member("retryable", false)
          writer.member("outcome", CommandError.Outcome.notApplied.rawValue)
          writer.member(ifPresent: "remedy", remedy)
          writer.name("problems")
          writer.array { writer in
            writer.object {
              $0.member("path", path)
              $0.member("message", message)
              $0.member(ifPresent: "did_you_mean", didYouMean)
            }
          }
        }
      })
  }

  private static func sentence(_ path: String, _ message: String) -> String {
    path.isEmpty
      ? "\(message.prefix(1).uppercased())\(message.dropFirst())."
      : "\(path.dropFirst()) \(message)."
  }

  private static func writeTriple(
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
