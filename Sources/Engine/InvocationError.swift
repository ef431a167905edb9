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
  /// Nil for an error of a method other than an invocation.
  package var meta: OutcomeMeta?

  package init(_ problems: RequestProblems, indicator: String = "Invalid params.") {
    reason = .invalid(problems)
    self.indicator = indicator
    redaction = .nothing
  }

  /// - Parameter redaction: nothing if no request was sent to a vendor.
  package init(
    _ error: CommandError, indicator: String, redaction: RedactionScope = .nothing,
    meta: OutcomeMeta? = nil
  ) {
    self.meta = meta
    reason = .failed(error)
    self.indicator = indicator
    self.redaction = redaction
  }

  /// Writes the data of the error, an object: the documents' triple, and members for programs.
  package func write(to writer: inout JSONWriter) {
    switch reason {
    case .invalid(let problems): problems.write(to: &writer, indicator: indicator, meta)
    case .failed(let error):
      writer.object {
        $0.member("return_data", "Failed")
        error.writeMembers(to: &$0, indicator: indicator)
        if let meta {
          $0.name("meta")
          meta.write(to: &$0)
        }
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

extension InvocationError {
  /// For a request that does not start, or whose response is too large.
  ///
  /// - Parameters:
  ///   - changesSomething: whether a request that has run may have been applied.
  ///   - readBack: the command that shows whether it was.
  ///   - meta: nil for a method other than an invocation.
  static func refusal(
    _ refusal: Refusal, indicator: String, changesSomething: Bool,
    readBack: String?, meta: OutcomeMeta?
  ) -> InvocationError {
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
    return InvocationError(error, indicator: indicator, meta: meta)
  }
}

extension RPCError {
  /// For a request that arrives after admission is closed.
  package static func stopping(_ invocation: PreparedInvocation) -> RPCError {
    refusal(.stopping, of: invocation)
  }

  /// For a request that does not start, or whose response is too large; see `InvocationError.refusal`.
  package static func refusal(
    _ refusal: Refusal, indicator: String, changesSomething: Bool = false,
    readBack: String? = nil, meta: OutcomeMeta? = nil
  ) -> RPCError {
    InvocationError.refusal(
      refusal, indicator: indicator, changesSomething: changesSomething, readBack: readBack,
      meta: meta
    ).rpcError
  }

  /// The same, for a command.
  package static func refusal(
    _ refusal: Refusal, of command: RegisteredCommand, meta: OutcomeMeta
  ) -> RPCError {
    .refusal(
      refusal, indicator: command.failure, changesSomething: command.effect != .read,
      readBack: command.metadata.readBack, meta: meta)
  }

  /// The same, for an invocation.
  package static func refusal(_ refusal: Refusal, of invocation: PreparedInvocation) -> RPCError {
    .refusal(refusal, of: invocation.command, meta: invocation.refusalMeta)
  }
}
