import IntegrationKit
import JSON
import RPC
import Redaction

/// Why an invocation has no result: the request was invalid, or the command failed.
package struct InvocationError: Error, Sendable {
  package enum Reason: Sendable {
    case invalid(RequestProblems)
    case failed(CommandError)
  }

  package var reason: Reason
  /// The failure indicator of the command, or a general one if the command is unknown.
  package let indicator: String
  /// The secrets of its text that is not the caller's.
  package let redaction: RedactionScope

  package init(_ problems: RequestProblems, indicator: String = "Invalid params.") {
    reason = .invalid(problems)
    self.indicator = indicator
    redaction = .nothing
  }

  /// - Parameter redaction: nothing if no request was sent to a vendor.
  package init(
    _ error: CommandError, indicator: String, redaction: RedactionScope = .nothing
  ) {
    reason = .failed(error)
    self.indicator = indicator
    self.redaction = redaction
  }

  /// Writes the data of the error, an object: the documents' triple, and members for programs.
  package func write(to writer: inout JSONWriter) {
    switch reason {
    case .invalid(let problems): problems.write(to: &writer, indicator: indicator)
    case .failed(let error):
      writer.object {
        $0.member("return_data", "Failed")
        error.writeMembers(to: &$0, indicator: indicator)
      }
    }
  }
}

extension InvocationError {
  /// The error of a JSON-RPC response, for both fronts.
  package var rpcError: RPCError {
    let code: RPCError.Code =
      switch reason {
      case .invalid: .invalidParams
      case .failed(let error): error.kind == .cancelled ? .requestCancelled : .commandFailed
      }
    return RPCError(
      code, indicator, data: JSONFragment { write(to: &$0) },
      redaction: .secrets(of: redaction, Outcome.errorLayout))
  }
}

extension RPCError {
  /// For a request that arrives after admission is closed.
  package static func stopping(indicator: String) -> RPCError {
    refusal(.stopping, indicator: indicator)
  }

  /// For a request that does not start, or whose response is too large.
  ///
  /// - Parameters:
  ///   - changesSomething: whether a request that has run may have been applied.
  ///   - readBack: the command that shows whether it was.
  package static func refusal(
    _ refusal: Refusal, indicator: String, changesSomething: Bool = false,
    readBack: String? = nil
  ) -> RPCError {
    var error: CommandError
    switch refusal {
    case .stopping:
      error = CommandError(
        .cancelled, "The host is stopping and accepts no more requests.",
        remedy: "Retry on a new host.")
    case .cancelled(let reason):
      error = .cancelled(outcome: .notApplied)
      if let explanation = reason.explanation { error.message = explanation }
    case .timedOut:
      error = .timeout("Waiting for other requests", outcome: .notApplied)
    case .tooLarge(let maximumBytes, let hasRun):
      error = .tooLarge(
        maximumBytes: maximumBytes, outcome: hasRun && changesSomething ? .unknown : .notApplied)
      if !hasRun {
        error.message = "The responses of the batch exceed \(maximumBytes) bytes."
        error.remedy = "Send the request alone, or raise --max-result-bytes."
      } else if error.outcome == .unknown, let readBack {
        error.remedy = "It may have been applied: look with \(readBack) before repeating it."
      }
    }
    return InvocationError(error, indicator: indicator).rpcError
  }

  /// The same, for a command.
  package static func refusal(_ refusal: Refusal, of command: RegisteredCommand) -> RPCError {
    .refusal(
      refusal, indicator: command.failure, changesSomething: command.effect != .read,
      readBack: command.metadata.readBack)
  }
}
